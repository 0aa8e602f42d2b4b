/** The agent's program: arguments, settings, signals, exit code; nothing else. Everything large is loaded on the way. */
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../shared/clock.ts';
import { EXIT, FleetError, InterruptedError } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';
import { readBootId } from './boot-id.ts';
import { becomeFast, keepSmall } from './heap.ts';

const USAGE = `Usage: fleet-agent [--config FILE]
       fleet-agent doctor [--config FILE]
       fleet-agent join URL TOKEN [--name NAME] [--dir DIR]

Runs the agent of this server until it gets TERM or INT; \`doctor\` says what is wrong with it, and what to mend first;
\`join\` makes this server a node (\`fleet-agent join --help\`).

Options:
  --config FILE  its configuration (default: /etc/fleet/agent.yaml, or FLEET_AGENT_CONFIG)
  --version      print the version
  --help         print this

Examples:
  fleet-agent --config /etc/fleet/agent.yaml
  FLEET_AGENT_CONFIG=./web1/agent.yaml fleet-agent
`;

async function main(): Promise<void> {
  if (process.argv[2] === 'join') return joinFleet(process.argv.slice(3));
  if (process.argv[2] === 'emulate') return emulate();
  let options;
  let command;
  try {
    const parsed = parseArgs({
      options: { config: { type: 'string' }, version: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    options = parsed.values;
    [command] = parsed.positionals;
    if (parsed.positionals.length > 1 || (command !== undefined && command !== 'doctor'))
      throw new Error(`there is no command "${parsed.positionals.join(' ')}"`);
  } catch (error) {
    return fail(`fleet-agent: ${error instanceof Error ? error.message : ''}\n${USAGE}`, EXIT.usage);
  }
  if (options.version === true) return void process.stdout.write(`${VERSION}\n`);
  if (options.help === true) return void process.stdout.write(USAGE);
  const config = options.config ?? process.env['FLEET_AGENT_CONFIG'] ?? '/etc/fleet/agent.yaml';
  if (command === 'doctor') return doctor(config);
  keepSmall();
  const [{ default: pino }, { Agent }, { readAgentSettings }] = await Promise.all([
    import('pino'),
    import('./agent.ts'),
    import('./settings.ts'),
  ]);
  try {
    const settings = await readAgentSettings(config);
    const log = pino({ level: settings.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
    const agent = new Agent(settings, {
      clock: systemClock,
      log,
      bootId: readBootId(),
      path: process.env['PATH'] ?? '',
      onBusy: becomeFast,
      runner: { file: process.execPath, args: [runnerProgram()], env: process.env },
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      // Not once: while write-file-atomic writes it listens, too, and ends the process when it finds itself alone.
      process.on(signal, () => {
        // The second one doesn't wait for what runs.
        if (agent.state === 'draining') process.exit(128 + constants.signals[signal]);
        log.info({ signal }, 'stopping');
        if (agent.state === 'starting') process.exit(EXIT.ok);
        void agent.stop();
      });
    await agent.start();
  } catch (error) {
    failWith(error);
  }
}

async function joinFleet(args: readonly string[]): Promise<void> {
  const { runJoin } = await import('./join/program.ts');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(EXIT.interrupted);
      const hint = 'Run the same command again: it goes on with the same keys.';
      stop.abort(new InterruptedError('interrupted', { code: 'interrupted', hint }));
    });
  try {
    await runJoin(args, {
      stdout: (text) => void process.stdout.write(text),
      stderr: (text) => void process.stderr.write(text),
      clock: systemClock,
      bootId: readBootId(),
      signal: stop.signal,
    });
  } catch (error) {
    failWith(error);
  }
}

/** Started by `fleet emulate`, and by nobody else: what it has to do comes over the channel that it opened. */
async function emulate(): Promise<void> {
  if (process.send === undefined)
    return fail('fleet-agent: emulated nodes are started by `fleet emulate`\n', EXIT.usage);
  const [{ default: pino }, { runWorker }] = await Promise.all([import('pino'), import('./emulate/worker.ts')]);
  const log = pino({ level: 'warn', base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
      stop.abort(signal);
    });
  const channel = {
    send: (report: object) => void (process.connected && process.send?.(report, () => undefined)),
    onOrders: (take: (orders: unknown) => void) => void process.on('message', take),
    onClosed: (take: () => void) => void process.on('disconnect', take),
  };
  await runWorker({ log, bootId: readBootId(), channel, signal: stop.signal });
  process.disconnect?.();
}

async function doctor(config: string): Promise<void> {
  const [{ diagnose }, { adviceLines, diagnosisLines }] = await Promise.all([
    import('./doctor.ts'),
    import('../shared/doctor/text.ts'),
  ]);
  const { signal } = new AbortController();
  const diagnosis = await diagnose({ config, bootId: readBootId(), signal }, { clock: systemClock });
  process.stdout.write([...diagnosisLines(diagnosis), '', ...adviceLines(diagnosis), ''].join('\n'));
  process.exitCode = diagnosis.exit;
}

function failWith(error: unknown): void {
  if (!(error instanceof FleetError)) throw error;
  fail(`fleet-agent: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`, error.exit);
}

function fail(text: string, exit: number): void {
  process.stderr.write(text);
  process.exitCode = exit;
}

/** Beside this one, wherever the link to it lies. */
const runnerProgram = (): string => join(dirname(realpathSync(process.argv[1] ?? '')), 'fleet-runner.js');

void main();
