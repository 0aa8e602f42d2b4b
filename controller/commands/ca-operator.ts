/** `fleet ca issue operator`, `fleet ca renew operator`: people who may command. Needs the root key. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { CredentialLimits } from '../../shared/wire/credential.ts';
import type { App } from '../app.ts';
import { parseDays } from '../options/parse-days.ts';
import { addRootOptions, passphraseFrom, type RootFlags } from '../options/root-options.ts';
import { collect } from '../options/target-options.ts';
import { changeFleet } from './change-fleet.ts';

interface OperatorFlags extends RootFlags {
  readonly role?: string[];
  readonly action?: string[];
  readonly where?: string;
  readonly limits?: boolean;
  readonly days?: number;
  readonly signKey?: string;
  readonly dir?: string;
}

const DAY_MS = 24 * 60 * 60_000;

export function registerCaOperator(issue: Command, renew: Command, app: App): void {
  const issueOperator = addOptions(issue.command('operator'), '')
    .description('Makes the keys of a person who may command, as an identity file.')
    .addHelpText(
      'after',
      `
The file goes to the person, who names it with --identity or in a context file.

Examples:
  fleet ca issue operator bob --role reader
  fleet ca issue operator carol --role operator --days 30 --root /media/safe/root.json
  fleet ca issue operator dave --role operator --sign-key dave.pub
  fleet ca issue operator ci --role deployer --action task.run --where 'trusted.role=web'`,
    )
    .action((name: string) => run(name, false, issueOperator.opts<OperatorFlags>(), app));
  const renewOperator = addOptions(renew.command('operator'), ' (default: as it was)')
    .option('--no-limits', 'any action, on any node, as far as the policies allow it (default: limits as they were)')
    .description('Makes new keys for an operator; the old ones can not log in any more.')
    .addHelpText(
      'after',
      '\nExamples:\n  fleet ca renew operator alice\n  fleet ca renew operator bob --role deployer --days 30',
    )
    .action((name: string) => run(name, true, renewOperator.opts<OperatorFlags>(), app));
}

function addOptions(command: Command, roles: string): Command {
  return addRootOptions(command)
    .argument('<NAME>', 'name of the person')
    .option('--role <ROLE>', `role in the policies of the nodes; repeatable${roles}`, collect)
    .option('--action <ACTION>', 'only this action, whatever the policies say; repeatable', collect)
    .option('--where <EXPRESSION>', 'only on nodes that fit, by what each knows of itself')
    .option('--days <N>', 'how long the credential is good', parseDays, 365)
    .option('--sign-key <FILE>', 'public key (.pub, Ed25519) of a signing key that stays in an ssh-agent or on a token')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)');
}

async function run(name: string, renew: boolean, flags: OperatorFlags, app: App): Promise<void> {
  const limits = await readLimits(flags);
  const { issueOperator } = await import('../setup/issue-operator.ts');
  const signKey = flags.signKey === undefined ? undefined : await readSignKey(flags.signKey);
  const { path, roles, notAfter, caFile, servers } = await changeFleet(
    { dir: flags.dir, endsLogins: renew, rootFile: flags.root },
    app,
    (home, waiting) =>
      issueOperator(home, {
        ...waiting,
        name,
        renew,
        roles: flags.role,
        limits,
        lifeMs: (flags.days ?? 365) * DAY_MS,
        rootFile: flags.root,
        passphrase: passphraseFrom(flags, app),
        signKey,
        now: app.clock.now(),
      }),
  );
  app.stdout.write(`${name}  ${path}\n`);
  const [and, withCa] =
    caFile === undefined ? ['', ''] : [`, and a copy of ${caFile} with it`, ` --ca-file ${basename(caFile)}`];
  app.stderr.write(
    `It is good until ${new Date(notAfter).toISOString().slice(0, 10)}, as ${roles.join(', ')}. Move the file to the machine of ${name}, keys and all${and}; keep no copy.
It is used there with \`fleet --server ${servers.join(',')} --identity ${basename(path)}${withCa}\`, or by a context file (docs/operations.md).\n`,
  );
}

/** @throws UsageError `bad-sign-key` */
async function readSignKey(file: string): Promise<Uint8Array> {
  const { parseSshPublicKey } = await import('../../shared/ssh-agent.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`${file} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      code: 'bad-sign-key',
      cause,
    });
  }
  return parseSshPublicKey(text);
}

/** Undefined where nothing was said of them. @throws UsageError for an action that is no name, or an expression that is none */
async function readLimits({
  action,
  limits,
  where,
}: OperatorFlags): Promise<Pick<CredentialLimits, 'actions' | 'where'> | undefined> {
  if (limits === false) return {};
  if (action === undefined && where === undefined) return undefined;
  const wrong = action?.find((name) => !/^[a-z][a-z0-9.-]{0,127}$/.test(name));
  if (wrong !== undefined)
    throw new UsageError(`"${wrong}" is not the name of an action`, {
      code: 'bad-value',
      hint: '`fleet action list` lists them; a task is run by the action task.run.',
    });
  if (where !== undefined) {
    const { parseWhere } = await import('../../shared/where/parse.ts');
    parseWhere(where);
  }
  return { ...(action === undefined ? {} : { actions: action }), ...(where === undefined ? {} : { where }) };
}
