/** `fleet ca issue service`, `fleet ca renew service`: who `fleet serve` runs as. Needs the root key. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { parseDays } from '../options/parse-days.ts';
import { addRootOptions, passphraseFrom, type RootFlags } from '../options/root-options.ts';
import { changeFleet } from './change-fleet.ts';

interface ServiceFlags extends RootFlags {
  readonly days: number;
  readonly dir?: string;
}

/** What a service is: the policy lets the role `ping`, if anything. */
const SERVICE_ROLES = ['controller'] as const;
const DAY_MS = 24 * 60 * 60_000;

export function registerCaService(issue: Command, renew: Command, app: App): void {
  const issueService = addOptions(issue.command('service'))
    .description('Makes the keys of a service that goes on with jobs and knows who is there, as an identity file.')
    .addHelpText(
      'after',
      `
The file goes to the machine where \`fleet serve\` runs. Policies let the role controller
\`ping\`, so that asking who is there leaves no refusals in the audit trail of nodes; its key alone does nothing else there.
A bus that was set up by an older version has to be told once who may hear whom: fleet ca push

Examples:
  fleet ca issue service controller1
  fleet ca issue service controller2 --days 90 --root /media/safe/root.json`,
    )
    .action((name: string) => run(name, false, issueService.opts<ServiceFlags>(), app));
  const renewService = addOptions(renew.command('service'))
    .description('Makes new keys for a service; the old ones can not log in any more.')
    .addHelpText(
      'after',
      '\nExamples:\n  fleet ca renew service controller1\n  fleet ca renew service controller2 --days 90',
    )
    .action((name: string) => run(name, true, renewService.opts<ServiceFlags>(), app));
}

function addOptions(command: Command): Command {
  return addRootOptions(command)
    .argument('<NAME>', 'name of the service, its own where several run')
    .option('--days <N>', 'how long the credential is good', parseDays, 365)
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)');
}

async function run(name: string, renew: boolean, flags: ServiceFlags, app: App): Promise<void> {
  const { issueOperator } = await import('../setup/issue-operator.ts');
  const { path, notAfter, caFile, servers } = await changeFleet(
    { dir: flags.dir, endsLogins: renew, rootFile: flags.root },
    app,
    (home, waiting) =>
      issueOperator(home, {
        ...waiting,
        name,
        renew,
        kind: 'service',
        roles: SERVICE_ROLES,
        lifeMs: flags.days * DAY_MS,
        rootFile: flags.root,
        passphrase: passphraseFrom(flags, app),
        now: app.clock.now(),
      }),
  );
  app.stdout.write(`${name}  ${path}\n`);
  const [and, caLine] =
    caFile === undefined ? ['', ''] : [`, and a copy of ${caFile} with it`, '\n  tls: {caFile: ca.pem}'];
  app.stderr.write(
    `It is good until ${new Date(notAfter).toISOString().slice(0, 10)}. Move the file to the machine where the service runs${and}; keep no copy.
There, a file serve.yaml beside it has

  servers: [${servers.join(', ')}]
  identity: ${basename(path)}${caLine}

and \`fleet serve --config serve.yaml\` runs it (docs/operations.md has the unit for systemd).\n`,
  );
}
