/** `fleet ca renew bus`: a new certificate for the bus, which nodes and operators go on trusting. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';

interface BusFlags {
  readonly dir?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export function registerCaBus(renew: Command, app: App): void {
  const bus = renew
    .command('bus')
    .description('Makes a new certificate for the bus, and has it taken up; nodes and operators stay connected.')
    .option('--tls-cert <FILE>', 'one from elsewhere instead, with --tls-key (default: made here)')
    .option('--tls-key <FILE>', 'its key')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
It is for the addresses in fleet.yaml (servers, listen), and signed by the same authority, so that nobody needs anything new.

Examples:
  fleet ca renew bus
  fleet ca renew bus --tls-cert bus.pem --tls-key bus.key`,
    )
    .action(() => run(bus.opts<BusFlags>(), app));
}

async function run({ dir, tlsCert, tlsKey }: BusFlags, app: App): Promise<void> {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('a certificate from elsewhere needs both --tls-cert and --tls-key', {
      code: 'bad-certificate',
    });
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { renewBus } = await import('../setup/renew-bus.ts');
  const home = new FleetHome(dir ?? configFolder(app.surroundings));
  const own = tlsCert === undefined || tlsKey === undefined ? undefined : { certificateFile: tlsCert, keyFile: tlsKey };
  const { notAfter, wasReloaded } = await renewBus(home, {
    own,
    now: app.clock.now(),
    signal: app.interrupt,
    onWait: (line) => app.stderr.write(`fleet: ${line}\n`),
  });
  app.stdout.write(
    `The certificate of the bus is new, and good until ${new Date(notAfter).toISOString().slice(0, 10)}.\n`,
  );
  if (!wasReloaded)
    app.stderr.write(
      `The bus doesn't run on this machine: bring ${home.serverCertificate} and ${home.serverKey} there, and reload it (nats-server --signal reload).\n`,
    );
}
