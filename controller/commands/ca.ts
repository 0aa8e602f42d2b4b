/** `fleet ca`: credentials for those who belong to the fleet. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { collect } from '../options/target-options.ts';
import { registerCaBus } from './ca-bus.ts';
import { registerCaList } from './ca-list.ts';
import { registerCaOperator } from './ca-operator.ts';
import { registerCaPassphrase } from './ca-passphrase.ts';
import { registerCaPush } from './ca-push.ts';
import { registerRevoke } from './revoke.ts';
import { changeFleet } from './change-fleet.ts';

interface NodeFlags {
  readonly dir?: string;
  readonly trusted?: string[];
}

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
    .argument('<NAME...>', 'names of the nodes')
    .option('--trusted <KEY=VALUE>', `${TRUSTED} (default: as it was)`, collect)
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
The bus has to run. A node is away until it has the new file and its agent is started again; its state is kept.

Examples:
  fleet ca renew node web1
  fleet ca renew node db1 db2 --trusted role=db`,
    )
    .action((names: string[]) => enroll(names, true, renewNode.opts<NodeFlags>(), app));
  registerCaOperator(issue, renew, app);
  registerCaBus(renew, app);
  registerCaList(ca, app);
  registerCaPassphrase(ca, app);
  registerCaPush(ca, app);
  registerRevoke(ca, app);
}

async function enroll(names: readonly string[], renew: boolean, flags: NodeFlags, app: App): Promise<void> {
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
