/** `fleet serve`: the controller service. */
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { config } from 'zod';
import type { App } from '../app.ts';
import { splitServers } from '../context.ts';
import { openContext, type GlobalFlags } from '../open-fleet.ts';
import { LOG_LEVELS, type ServeSettings } from '../service/serve-settings.ts';

interface ServeFlags extends GlobalFlags {
  readonly config?: string;
  readonly listen?: string;
  readonly logLevel?: (typeof LOG_LEVELS)[number];
}

export function registerServe(program: Command, app: App): void {
  const serve = program
    .command('serve')
    .description('Runs the controller service until it gets TERM or INT. It writes its log to stdout.')
    .option('--config <FILE>', 'its configuration: servers, tls, identity, listen, logLevel (default: the context)')
    .option('--listen <ADDRESS>', 'where health and metrics are asked for, or `off` (default: 127.0.0.1:9465)')
    .addOption(new Option('--log-level <LEVEL>', 'what it logs (default: info)').choices(LOG_LEVELS))
    .addHelpText(
      'after',
      `
It knows who is there and since when, answers who is meant by a target, and goes on with jobs whose terminal is gone. Its
identity is made by \`fleet ca issue service NAME\`; it has no operator's keys. Several may run, each with its own identity.
http://ADDRESS has /healthz, /readyz and /metrics.

Examples:
  fleet serve --config /etc/fleet/serve.yaml
  fleet serve --identity controller1.json --listen 127.0.0.1:9466`,
    )
    .action(() => run(serve.optsWithGlobals<ServeFlags>(), app));
}

async function run(flags: ServeFlags, app: App): Promise<void> {
  // Unlike a command line it reads for months.
  config({ jitless: false });
  const [{ default: pino }, { runService }] = await Promise.all([import('pino'), import('../service/service.ts')]);
  const settings = await readFlags(flags, app);
  const log = pino(
    { level: settings.logLevel ?? 'info', base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void app.stdout.write(line) },
  );
  await runService(settings, { clock: app.clock, log, signal: app.interrupt });
}

/** Flags come before the file; without one, the context that every other command has, too. @throws SettingsError */
async function readFlags(flags: ServeFlags, app: App): Promise<ServeSettings> {
  const { readServeSettings } = await import('../service/serve-settings.ts');
  const own = { listen: flags.listen, logLevel: flags.logLevel };
  if (flags.config === undefined) return { ...(await openContext(app, flags)), ...own };
  const file = await readServeSettings(flags.config);
  return {
    ...file,
    ...(flags.server === undefined ? {} : { servers: splitServers(flags.server) }),
    ...(flags.identity === undefined ? {} : { identity: resolve(flags.identity) }),
    ...(flags.caFile === undefined ? {} : { tls: { caFile: resolve(flags.caFile) } }),
    listen: own.listen ?? file.listen,
    logLevel: own.logLevel ?? file.logLevel,
  };
}
