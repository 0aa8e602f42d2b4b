/** `fleet ca`: credentials for those who belong to the fleet. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { collect } from '../options/target-options.ts';
import type { FleetHome } from '../setup/fleet-home.ts';

interface IssueFlags {
  readonly dir?: string;
  readonly trusted?: string[];
}

export function registerCa(program: Command, app: App): void {
  const ca = program.command('ca').description('Credentials: who belongs to the fleet.');
  const issue = ca.command('issue').description('Issues a credential.');
  const node = issue
    .command('node')
    .description('Makes the keys of servers, as a folder for each, and puts them on the roster.')
    .argument('<NAME...>', 'names of the nodes')
    .option('--trusted <KEY=VALUE>', 'a fact that only the issuer sets, seen as trusted.KEY; repeatable', collect)
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
The bus has to run. Each folder goes to its server, where \`fleet-agent --config FOLDER/agent.yaml\` uses it.

Examples:
  fleet ca issue node web1 web2
  fleet ca issue node db1 --trusted role=db`,
    )
    .action(async (names: string[]) => {
      const flags = node.optsWithGlobals<IssueFlags>();
      names.forEach(parseNodeName);
      const trusted = Object.fromEntries((flags.trusted ?? []).map((text) => parseAssignment(text, '--trusted')));
      const { FleetHome } = await import('../setup/fleet-home.ts');
      await issueNodes(new FleetHome(flags.dir ?? configFolder(app.surroundings)), names, trusted, app);
    });
}

async function issueNodes(
  home: FleetHome,
  names: readonly string[],
  trusted: Record<string, string>,
  app: App,
): Promise<void> {
  const { connectIssuer, publishRoster } = await import('../setup/enroll-node.ts');
  const { issueNode } = await import('../setup/issue-node.ts');
  const { users } = await home.read();
  const taken = names.find(
    (name, index) => users.some((user) => user.role === 'node' && user.name === name) || names.indexOf(name) !== index,
  );
  if (taken !== undefined)
    throw new UsageError(`there is a node ${taken} already`, {
      code: 'name-taken',
      hint: `Choose another name, or use the folder that was made for it: ${home.node(taken)}`,
    });
  // Connected first: without the bus nothing is made, rather than half of it.
  const bus = await connectIssuer(home);
  try {
    const issued = [];
    for (const name of names) issued.push(await issueNode(home, { name, trusted, now: app.clock.now() }));
    await publishRoster(bus, issued);
    for (const { name, folder } of issued) app.stdout.write(`${name}  ${folder}\n`);
  } finally {
    await bus.close();
  }
  const reloaded = reloadBus(home);
  app.stderr.write(
    reloaded
      ? 'The bus knows them. Copy each folder to its server, and start `fleet-agent --config FOLDER/agent.yaml` there.\n'
      : `The bus doesn't run on this machine: bring ${home.natsConfig} there and reload it (nats-server --signal reload).\n`,
  );
}

/** Makes nats-server read its users again, when it runs here; its pid is checked against what it is. */
function reloadBus(home: FleetHome): boolean {
  try {
    const pid = Number(readFileSync(home.natsPid, 'utf8'));
    if (!Number.isInteger(pid) || pid <= 1 || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('nats-server'))
      return false;
    process.kill(pid, 'SIGHUP');
    return true;
  } catch {
    return false;
  }
}
