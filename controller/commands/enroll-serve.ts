/** `fleet enroll serve`: the service that servers ask to join. */
import { Option, type Command } from 'commander';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';

interface ServeFlags {
  readonly dir?: string;
  readonly logLevel: string;
}

export function registerEnrollServe(enroll: Command, app: App): void {
  const serve = enroll
    .command('serve')
    .description('Runs the enrolment service until it gets TERM or INT. It writes its log to stdout.')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addOption(
      new Option('--log-level <LEVEL>', 'what it logs').choices(['debug', 'info', 'warn', 'error']).default('info'),
    )
    .addHelpText(
      'after',
      `
Of the fleet's folder it needs fleet.yaml, issuer.json, bus-signing.json, policy.signed and tls/ca.pem, and never root.json
or bus.json. It writes its audit trail there. Several may run, each in a folder of its own.

Examples:
  fleet enroll serve
  fleet enroll serve --dir /etc/fleet-issuer`,
    )
    .action(() => run(serve.opts<ServeFlags>(), app));
}

async function run(flags: ServeFlags, app: App): Promise<void> {
  const [{ default: pino }, { openEnrollment }, { FleetHome }] = await Promise.all([
    import('pino'),
    import('../enroll/open-enrollment.ts'),
    import('../setup/fleet-home.ts'),
  ]);
  const log = pino(
    { level: flags.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void app.stdout.write(line) },
  );
  const home = new FleetHome(flags.dir ?? configFolder(app.surroundings));
  const { close, ...about } = await openEnrollment(home, { clock: app.clock, log, signal: app.interrupt });
  log.info(about, 'ready');
  if (!app.interrupt.aborted)
    await new Promise((resolve) => app.interrupt.addEventListener('abort', resolve, { once: true }));
  log.info('stopping');
  await close();
}
