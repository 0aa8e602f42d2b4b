/** `fleet ca push`: the bus hears again who may not log in any more. For when it couldn't be told at once. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';

interface PushFlags {
  readonly dir?: string;
  readonly root?: string;
}

export function registerCaPush(ca: Command, app: App): void {
  const push = ca
    .command('push')
    .description('Hands the bus its accounts anew, with all that was revoked; writes nats-server.conf anew.')
    .option('--root <FILE>', 'root key: bus.json may be kept beside it')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
For when the bus, or bus.json, was away while keys were renewed or revoked; and after a change of fleet.yaml.

Examples:
  fleet ca push
  fleet ca push --root /media/safe/root.json`,
    )
    .action(() => run(push.opts<PushFlags>(), app));
}

async function run({ dir, root }: PushFlags, app: App): Promise<void> {
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { findBusKeys } = await import('../setup/bus-keys.ts');
  const { pushAccounts } = await import('../setup/push-accounts.ts');
  const home = new FleetHome(dir ?? configFolder(app.surroundings));
  const { publishRevocations } = await import('../setup/publish-revocations.ts');
  const waiting = { signal: app.interrupt, onWait: (line: string) => app.stderr.write(`fleet: ${line}\n`) };
  await pushAccounts(home, { ...waiting, now: app.clock.now(), busKeysFile: findBusKeys(home, root) });
  await publishRevocations(home, { ...waiting, clock: app.clock });
  app.stdout.write('The bus has the accounts as they are now, and the nodes the list of what is revoked.\n');
}
