import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';

interface InitFlags {
  readonly name: string;
  readonly server: string;
  readonly listen: string;
  readonly dir?: string;
  readonly operator?: string;
}

export function registerInit(program: Command, app: App): void {
  const command = program
    .command('init')
    .description('Makes a fleet: its keys, your credential as its first operator, and the configuration of its bus.')
    .requiredOption(
      '--server <URL>',
      'address under which servers and operators reach the bus, such as nats://bus.example.org:4222',
    )
    .option('--name <NAME>', 'name of the fleet', 'main')
    .option('--listen <HOST:PORT>', 'what the bus listens on', '0.0.0.0:4222')
    .option('--dir <DIR>', 'where keys and configuration go (default: ~/.config/fleet)')
    .option('--operator <NAME>', 'your name as an operator (default: your user name)')
    .addHelpText(
      'after',
      `
Examples:
  fleet init --server nats://bus.example.org:4222
  fleet init --server nats://10.0.0.5:4222 --name staging --dir ~/staging`,
    )
    .action(async () => {
      const flags = command.optsWithGlobals<InitFlags>();
      if (!/^(nats|tls):\/\/[^\s,]+$/.test(flags.server))
        throw new UsageError(`"${flags.server}" is not the address of a bus`, {
          code: 'bad-server',
          hint: 'Write nats://HOST:PORT.',
        });
      if (!/^\S+:\d{1,5}$/.test(flags.listen))
        throw new UsageError(`"${flags.listen}" is nothing to listen on`, {
          code: 'bad-listen',
          hint: 'Write HOST:PORT, such as 0.0.0.0:4222.',
        });
      const { createFleet } = await import('../setup/create-fleet.ts');
      const { FleetHome } = await import('../setup/fleet-home.ts');
      const home = new FleetHome(flags.dir ?? configFolder(app.surroundings));
      const operator = flags.operator ?? defaultOperator();
      await createFleet(home, {
        fleet: flags.name,
        servers: [flags.server],
        listen: flags.listen,
        operator,
        now: app.clock.now(),
      });
      const inDir = flags.dir === undefined ? '' : ` --dir ${flags.dir}`;
      app.stdout.write(`Fleet ${flags.name} is made, in ${home.folder}; ${operator} is its first operator.

Next:
  nats-server -c ${home.natsConfig}          starts its bus, on this machine
  fleet ca issue node web1 web2${inDir}       makes two servers' keys, and enrolls them

${home.rootKey} can make anybody an operator: move it to a safe place, off this machine.
`);
    });
}

/** The login name, or `admin` where it can't be a name. */
function defaultOperator(): string {
  const name = userInfo().username.toLowerCase();
  return isNodeName(name) && name !== 'root' ? name : 'admin';
}
