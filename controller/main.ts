/** The command line's program: environment, signals, exit code; nothing else. Everything heavy is loaded on the way. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../shared/clock.ts';
import { EXIT } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';

/** How long the process gets to end by itself, once its command has ended. */
const LEFTOVER_PATIENCE_MS = 200;

/** Each ends a command in the same way; a second signal ends the program at once, unless the command takes it. */
const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    process.stdout.write(`${VERSION}\n`);
    return;
  }
  const { runProgram } = await import('./program.ts');
  const interrupt = new AbortController();
  let taker: (() => boolean) | undefined;
  const end = (signal: NodeJS.Signals): void => {
    if (interrupt.signal.aborted && signal === 'SIGINT' && taker?.() === true) return;
    // Not taken off: while write-file-atomic writes it listens, too, and ends the process when it finds itself alone.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  };
  for (const signal of INTERRUPTS) process.on(signal, end);
  const { env } = process;
  await runProgram(args, {
    surroundings: {
      contextFile: given(env['FLEET_CONTEXT']),
      servers: given(env['FLEET_SERVERS']),
      identity: given(env['FLEET_IDENTITY']),
      caFile: given(env['FLEET_CA_FILE']),
      configHome: given(env['XDG_CONFIG_HOME']),
      stateHome: given(env['XDG_STATE_HOME']),
      sshAgentSocket: given(env['SSH_AUTH_SOCK']),
    },
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    noColor: given(env['NO_COLOR']) !== undefined,
    path: env['PATH'] ?? '',
    natsServer: given(env['FLEET_NATS_SERVER']),
    packageFolder: join(dirname(realpathSync(process.argv[1] ?? '.')), '..', '..'),
    interrupt: interrupt.signal,
    takeInterrupts: (next) => {
      taker = next;
      return () => (taker = undefined);
    },
    setExit: (code) => {
      process.exitCode = code;
    },
  });
}

/** An empty variable is an unset one. */
const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

// Who reads our output may stop reading (`fleet ca | head -1`): what a command does is done all the same, without a word.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = EXIT.internal;
  });
void main(process.argv.slice(2)).then(() => {
  // The socket of a connection attempt that timed out stays open within nats.js: nothing to stay for.
  setTimeout(() => process.exit(), LEFTOVER_PATIENCE_MS).unref();
});
