/** `fleet ca`: credentials for those who belong to the fleet. */
import { InvalidArgumentError, type Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { collect } from '../options/target-options.ts';
import { registerCaBus } from './ca-bus.ts';
import { registerCaList } from './ca-list.ts';
import { registerCaOperator } from './ca-operator.ts';
import { registerCaPassphrase } from './ca-passphrase.ts';
import { registerCaPush } from './ca-push.ts';
import { registerCaRotate } from './ca-rotate.ts';
import { registerCaService } from './ca-service.ts';
import { registerRevoke } from './revoke.ts';
import { changeFleet } from './change-fleet.ts';

interface NodeFlags {
  readonly dir?: string;
  readonly trusted?: string[];
  readonly keepKeys?: boolean;
  readonly expiring?: number;
}

const DAY_MS = 24 * 60 * 60_000;
const TRUSTED = 'a fact that only the issuer sets, seen as trusted.KEY; repeatable';

export function registerCa(program: Command, app: App): void {
  const ca = program.command('ca').description('Credentials: who belongs to the fleet.');
  const issue = ca.command('issue').description('Issues a credential.');
  const renew = ca.command('renew').description('Gives new keys and a new credential; the old ones end.');
  const issueNode = issue
    .command('node')
    .description('Makes the keys of servers, as a folder for each, and puts them on the roster.')
    .argument('<NAME...>', 'names of the nodes')
    .option('--trusted <KEY=VALUE>', TRUSTED, collect)
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
The bus has to run. Each folder goes to its server, where \`fleet-agent --config FOLDER/agent.yaml\` uses it.

Examples:
  fleet ca issue node web1 web2
  fleet ca issue node db1 --trusted role=db`,
    )
    .action((names: string[]) => enroll(names, false, issueNode.opts<NodeFlags>(), app));
  const renewNode = renew
    .command('node')
    .description('Makes new keys for servers, as an identity file for each; the old keys can not log in any more.')
    .argument('[NAME...]', 'names of the nodes')
    .option('--keep-keys', 'a new credential for the keys that they have: the bus brings it, nobody visits them')
    .option('--expiring <DAYS>', 'that, for all whose credential ends within so many days', parseDays)
    .option('--trusted <KEY=VALUE>', `${TRUSTED} (default: as it was)`, collect)
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
The bus has to run. A node is away until it has the new file and its agent is started again; its state is kept.

Examples:
  fleet ca renew node web1
  fleet ca renew node db1 db2 --trusted role=db
  fleet ca renew node --expiring 60`,
    )
    .action((names: string[]) => {
      const flags = renewNode.opts<NodeFlags>();
      const keeps = flags.keepKeys === true || flags.expiring !== undefined;
      return keeps ? keepKeys(names, flags, app) : enroll(names, true, flags, app);
    });
  registerCaOperator(issue, renew, app);
  registerCaService(issue, renew, app);
  registerCaBus(renew, app);
  registerCaList(ca, app);
  registerCaPassphrase(ca, app);
  registerCaPush(ca, app);
  registerCaRotate(ca, app);
  registerRevoke(ca, app);
}

function parseDays(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number of days.');
}

/** @throws UsageError `needs-name`, `no-such-node` */
async function keepKeys(names: readonly string[], flags: NodeFlags, app: App): Promise<void> {
  names.forEach(parseNodeName);
  if (flags.trusted !== undefined)
    throw new UsageError('trusted facts are set with new keys alone', {
      code: 'bad-value',
      hint: 'Leave --keep-keys out, or --trusted.',
    });
  if (names.length === 0 && flags.expiring === undefined) throw needsName();
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { renewKeepingKeys } = await import('../setup/renew-keeping-keys.ts');
  const { withAudit } = await import('../setup/audit-changes.ts');
  const home = new FleetHome(flags.dir ?? configFolder(app.surroundings));
  const tell = (line: string): unknown => app.stderr.write(`fleet: ${line}\n`);
  const { nodes, problems } = await withAudit(home, { clock: app.clock, onProblem: tell }, () =>
    renewKeepingKeys(home, {
      names,
      expiringMs: flags.expiring === undefined ? undefined : flags.expiring * DAY_MS,
      clock: app.clock,
      signal: app.interrupt,
      onWait: tell,
    }),
  );
  for (const node of nodes) app.stdout.write(`${node}\n`);
  for (const problem of problems) app.stderr.write(`fleet: ${problem}\n`);
  app.stderr.write(
    nodes.length === 0
      ? 'No credential ends so soon.\n'
      : 'They take it when they hear of it, or when they come back: nothing has to be copied.\n',
  );
}

const needsName = (): UsageError =>
  new UsageError('which nodes?', { code: 'needs-name', hint: 'Name them, or say --expiring DAYS.' });

async function enroll(names: readonly string[], renew: boolean, flags: NodeFlags, app: App): Promise<void> {
  if (names.length === 0) throw needsName();
  names.forEach(parseNodeName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`${twice} is named twice`, { code: 'named-twice' });
  const trusted = flags.trusted?.map((text) => parseAssignment(text, '--trusted'));
  const { enrollNodes } = await import('../setup/enroll-node.ts');
  const issued = await changeFleet({ dir: flags.dir, endsLogins: renew }, app, (home, waiting) =>
    enrollNodes(home, {
      ...waiting,
      names,
      renew,
      now: app.clock.now(),
      ...(trusted === undefined ? {} : { trusted: Object.fromEntries(trusted) }),
    }),
  );
  const shown = (folder: string): string => (renew ? `${folder}/identity.json` : folder);
  for (const { name, folder } of issued) app.stdout.write(`${name}  ${shown(folder)}\n`);
  app.stderr.write(
    renew
      ? 'Move each file over the one on its server (/etc/fleet/identity.json), and start the agent there again.\n'
      : 'Copy each folder to its server, and start `fleet-agent --config FOLDER/agent.yaml` there.\n',
  );
}
