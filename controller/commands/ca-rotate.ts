/** `fleet ca rotate`: a new issuer or a new root, without a visit to any node. */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { confirm } from '../confirm.ts';
import { addRootOptions, passphraseFrom, type RootFlags } from '../options/root-options.ts';
import { collect } from '../options/target-options.ts';
import { nodeCount } from '../render/node-names.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import type { LockOptions } from '../setup/hold-lock.ts';

interface RotateFlags extends RootFlags {
  readonly dir?: string;
}

interface IssuerFlags extends RotateFlags {
  readonly except?: string[];
  readonly resume?: boolean;
}

interface RootRotationFlags extends RotateFlags {
  readonly newPassphrase?: boolean;
  readonly newPassphraseFile?: string;
  readonly finish?: boolean;
  readonly yes?: boolean;
}

const DIR = ['--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)'] as const;

export function registerCaRotate(ca: Command, app: App): void {
  const rotate = ca.command('rotate').description('Replaces the issuer or the root; nodes follow by themselves.');
  const issuer = addRootOptions(
    rotate
      .command('issuer')
      .description('Makes a new issuer, and gives all nodes credentials from it, for the keys that they have.'),
  )
    .option('--except <NODE>', 'a node that gets none, since nobody knows it; repeatable', collect)
    .option('--resume', 'no new issuer: the nodes that an interrupted run left')
    .option(...DIR)
    .addHelpText(
      'after',
      `
The old one holds until it ends or is revoked (\`fleet revoke issuer\`). A node that is away takes its credential when it
comes back. Start \`fleet enroll serve\` again afterwards: it goes on with the old one until then.

Examples:
  fleet ca rotate issuer
  fleet ca rotate issuer --root /media/safe/root.json`,
    )
    .action(() => rotateIssuer(issuer.opts<IssuerFlags>(), app));
  const root = addRootOptions(
    rotate
      .command('root')
      .description('Makes a new root, and issues everything anew under it; --finish lets go of the old one.'),
  )
    .option('--new-passphrase', 'the new key under a passphrase, which is asked for; or:')
    .option('--new-passphrase-file <FILE>', "the same; it is the file's first line (- for standard input)")
    .option('--finish', 'lets go of the old root')
    .option('-y, --yes', 'no question before that')
    .option(...DIR)
    .addHelpText(
      'after',
      `
In between both hold. Run again, it goes on where an interrupted run ended. The fleet stays the same one: its id is the
hash of its first root for ever.

Examples:
  fleet ca rotate root --root /media/safe/root.json
  fleet ca rotate root --finish`,
    )
    .action(() => {
      const flags = root.opts<RootRotationFlags>();
      return flags.finish === true ? finishRoot(flags, app) : rotateRoot(flags, app);
    });
}

async function openHome(
  dir: string | undefined,
  app: App,
): Promise<{
  home: FleetHome;
  waiting: Omit<LockOptions, 'what'>;
  audited: <T>(work: () => Promise<T>) => Promise<T>;
}> {
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { withAudit } = await import('../setup/audit-changes.ts');
  const say = (line: string): unknown => app.stderr.write(`fleet: ${line}\n`);
  const home = new FleetHome(dir ?? configFolder(app.surroundings));
  return {
    home,
    waiting: { signal: app.interrupt, onWait: say },
    audited: (work) => withAudit(home, { clock: app.clock, onProblem: say }, work),
  };
}

async function rotateIssuer(flags: IssuerFlags, app: App): Promise<void> {
  flags.except?.forEach(parseNodeName);
  const { audited, home, waiting } = await openHome(flags.dir, app);
  const setup = await import('../setup/rotate-issuer.ts');
  const { before, name, nodes, problems } = await audited(() =>
    setup.rotateIssuer(home, {
      ...waiting,
      clock: app.clock,
      rootFile: flags.root,
      passphrase: passphraseFrom(flags, app),
      except: new Set(flags.except),
      resume: flags.resume === true,
    }),
  );
  app.stdout.write(`The issuer is ${name}. ${nodeCount(nodes.length)} got a credential from it.\n`);
  tell(problems, app);
  const inDir = flags.dir === undefined ? '' : ` --dir ${flags.dir}`;
  if (before !== undefined)
    app.stderr.write(
      `${before} holds until it ends. If its key may have been copied: fleet revoke ${before}${inDir}\nStart \`fleet enroll serve\` again, where it runs, with the new ${home.issuer}.\n`,
    );
}

async function rotateRoot(flags: RootRotationFlags, app: App): Promise<void> {
  const { audited, home, waiting } = await openHome(flags.dir, app);
  const { newPassphrase, newPassphraseFile: file } = flags;
  if (file === '-' && flags.passphraseFile === '-')
    throw new UsageError('standard input is one passphrase, not two', { code: 'bad-value' });
  const wantsPassphrase = newPassphrase === true || file !== undefined;
  const { askNewPassphrase } = await import('../ask-passphrase.ts');
  const setup = await import('../setup/rotate-root.ts');
  const { files, isPolicyMoved, issuer, nodes, operators, problems } = await audited(() =>
    setup.rotateRoot(home, {
      ...waiting,
      clock: app.clock,
      rootFile: flags.root,
      passphrase: passphraseFrom(flags, app),
      newPassphrase: () =>
        wantsPassphrase ? askNewPassphrase('the new root key', { file }, app) : Promise.resolve(undefined),
    }),
  );
  app.stdout.write(
    `${files === undefined ? 'The new root holds beside the old one.' : `The new root key is ${files.made}; the old one is ${files.old}. Both hold.`}\nUnder it: the issuer ${issuer}, ${nodeCount(nodes.length)}, ${operators.length === 1 ? '1 operator' : `${operators.length} operators`}.\n`,
  );
  tell(problems, app);
  if (!isPolicyMoved)
    app.stderr.write(
      'The policy is signed under the old root still: an admin has to push it again (fleet policy push).\n',
    );
  app.stderr.write(
    `Operators take their new credential when they next connect, nodes when they hear of it or come back.
Start \`fleet enroll serve\` again, where it runs. Then, when all have followed: fleet ca rotate root --finish\n`,
  );
}

async function finishRoot(flags: RootRotationFlags, app: App): Promise<void> {
  const { audited, home, waiting } = await openHome(flags.dir, app);
  const { findLeftovers, finishRotation } = await import('../setup/finish-rotation.ts');
  const { isPolicyMoved, nodes, operators } = await findLeftovers(home, app.clock);
  if (!isPolicyMoved)
    throw new UsageError('the policy is signed under the old root still: without it nobody could do anything', {
      code: 'policy-not-moved',
      hint: 'Have an admin push it again, then finish: fleet policy push',
    });
  const behind = await whoIsBehind(home, app);
  for (const line of leftoverLines(nodes, operators, behind)) app.stderr.write(`${line}\n`);
  if (flags.yes !== true && app.stdin.isTTY !== true)
    throw new UsageError('the old root is let go for good, and nobody can be asked', {
      code: 'not-confirmed',
      hint: 'Say --yes.',
    });
  if (flags.yes !== true && !(await confirm('Let go of the old root for good?', app)))
    throw new UsageError('the old root holds on', { code: 'not-confirmed' });
  await audited(() =>
    finishRotation(home, {
      ...waiting,
      clock: app.clock,
      rootFile: flags.root,
      passphrase: passphraseFrom(flags, app),
    }),
  );
  app.stdout.write('The old root is let go. Destroy its key: nobody takes anything from it any more.\n');
  app.setExit(EXIT.ok);
}

/** Who answers an operator under the new root believes that root. Undefined where nobody could be asked. */
async function whoIsBehind(home: FleetHome, app: App): Promise<readonly string[] | undefined> {
  const { FleetError } = await import('../../shared/errors.ts');
  const { askWhoKnows } = await import('../ask-nodes.ts');
  const { findContext } = await import('../context.ts');
  try {
    const context = await findContext({ ...app.surroundings, contextFile: home.context }, () => false);
    const { missing } = await askWhoKnows(context, app.interrupt);
    return missing.map(({ node, reason }) => `${node} (${reason})`);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

function leftoverLines(
  nodes: readonly string[],
  operators: readonly string[],
  behind: readonly string[] | undefined,
): string[] {
  return [
    ...(nodes.length === 0
      ? []
      : [
          `Not believed any more afterwards, since they come from the old root: ${nodes.join(', ')}. \`fleet ca rotate root\` gives them new credentials.`,
        ]),
    ...(operators.length === 0
      ? []
      : [
          `Operators that come from the old root: ${operators.join(', ')}. \`fleet ca rotate root\` gives them new credentials.`,
        ]),
    ...(behind === undefined ? ['The nodes could not be asked whether they have followed.'] : []),
    ...(behind === undefined || behind.length === 0
      ? []
      : [`Not seen on the new root yet: ${behind.join(', ')}. They follow when they come back.`]),
  ];
}

function tell(problems: readonly string[], app: App): void {
  for (const problem of problems) app.stderr.write(`fleet: ${problem}\n`);
}
