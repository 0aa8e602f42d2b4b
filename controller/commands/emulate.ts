/** `fleet emulate`: thousands of nodes on this machine, in a fleet that there is. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import type { App } from '../app.ts';
import { emulatedFolder } from '../context.ts';
import { NODE_VARIABLE } from '../dev/marked-processes.ts';
import type { EmulatorOptions } from '../emulate/emulator.ts';
import { openContext, type GlobalFlags } from '../open-fleet.ts';
import { parseDuration } from '../options/parse-values.ts';

export interface EmulationFlags {
  readonly facts?: string;
  readonly seed: string;
  readonly workers?: number;
  readonly latency?: string;
  readonly failure?: number;
  readonly silence?: number;
  readonly flapping?: number;
}

interface EmulateFlags extends GlobalFlags, EmulationFlags {
  readonly nodes: number;
  readonly prefix: string;
  readonly token?: string;
  readonly folder?: string;
}

const MAX_NODES = 99_999;

export function registerEmulate(program: Command, app: App): void {
  const emulate = program
    .command('emulate')
    .description('Emulates nodes on this machine: real agents, many to a process, with facts that are drawn.')
    .requiredOption('-n, --nodes <N>', 'how many', parseNodes)
    .option('--token <FILE>', 'what they join with, as `fleet enroll token` printed it; - for standard input')
    .option('--prefix <TEXT>', 'what they are called, before the number', 'em')
    .option('--folder <DIR>', 'where their keys and state are (default: ~/.local/state/fleet/emulated)');
  addEmulationOptions(emulate)
    .addHelpText(
      'after',
      `
It runs until it gets INT or TERM. The nodes stay on the roster: a second run with the same folder brings them back,
without a token. What they are told to run runs on this machine, once for each of them.

Examples:
  fleet enroll token --uses 1000 > token && fleet emulate -n 1000 --token token
  fleet emulate -n 1000 --latency 5ms..80ms --failure 1% --silence 0.5% --flapping 2%`,
    )
    .action(() => run(emulate.optsWithGlobals<EmulateFlags>(), app));
}

/** What `fleet dev up` takes, too. */
export function addEmulationOptions(command: Command): Command {
  return command
    .option('--facts <FILE>', 'how their facts are drawn (default: deploy/examples/emulated/facts.yaml)')
    .option('--seed <TEXT>', 'the same seed gives the same facts, and the same nodes that are slow or silent', '1')
    .option('--workers <N>', 'processes that hold them (default: one for each core)', parseWorkers)
    .option('--latency <TIME[..TIME]>', 'each hears what it is told this much later')
    .option('--failure <SHARE>', 'of what is asked of them, how much fails (2%)', parseShare)
    .option('--silence <SHARE>', 'of them, how many never answer', parseShare)
    .option('--flapping <SHARE>', 'of them, how many go away and come back all the time', parseShare);
}

export function parseNodes(text: string): number {
  const count = Number(text);
  if (!/^\d{1,5}$/.test(text) || count < 1) throw new InvalidArgumentError(`Expected 1 to ${MAX_NODES}.`);
  return count;
}

function parseWorkers(text: string): number {
  const count = Number(text);
  if (!/^\d{1,3}$/.test(text) || count < 1) throw new InvalidArgumentError('Expected 1 to 999.');
  return count;
}

function parseShare(text: string): number {
  const percent = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (percent === undefined || share > 1) throw new InvalidArgumentError('Expected a percentage: 0.5%, 20%.');
  return share;
}

/** Complete, with what the command line left out. @throws UsageError */
export function emulationOptions(
  { facts, failure = 0, flapping = 0, latency, seed, silence = 0, workers }: EmulationFlags,
  { packageFolder, path }: App,
): Pick<EmulatorOptions, 'facts' | 'seed' | 'misbehavior' | 'workers' | 'agentProgram' | 'env'> {
  return {
    facts: facts === undefined ? join(packageFolder, 'deploy', 'examples', 'emulated', 'facts.yaml') : resolve(facts),
    seed,
    misbehavior: { latencyMs: parseLatency(latency), failure, silence, flapping },
    workers: workers ?? availableParallelism(),
    agentProgram: join(packageFolder, 'dist', 'bin', 'fleet-agent.js'),
    env: { PATH: path },
  };
}

function parseLatency(text: string | undefined): [number, number] {
  if (text === undefined) return [0, 0];
  const [low = '', high = low] = text.split('..');
  const most = { ms: 10 * 60_000, text: '10m' };
  const [from, to] = [parseDuration(low, '--latency', most), parseDuration(high, '--latency', most)];
  if (from > to) throw new UsageError(`--latency can't be from ${low} to ${high}`, { code: 'bad-value' });
  return [from, to];
}

async function run(flags: EmulateFlags, app: App): Promise<void> {
  const { nodes, prefix, token } = flags;
  if (!isNodeName(`${prefix}00001`))
    throw new UsageError(`"${prefix}" can't be how names of nodes begin`, {
      code: 'bad-name',
      hint: 'Use lower-case letters, digits, ".", "-" and "_", a letter or digit first.',
    });
  const options = emulationOptions(flags, app);
  const context = token === undefined ? undefined : await openContext(app, flags);
  const [url = ''] = context?.servers ?? [];
  const joining = token === undefined ? {} : { join: { url, token: readToken(token) } };
  const { Emulator } = await import('../emulate/emulator.ts');
  const folder = resolve(flags.folder ?? emulatedFolder(app.surroundings));
  let failures = 0;
  const emulator = await Emulator.start({
    ...options,
    count: nodes,
    prefix,
    folder,
    processes: { variable: NODE_VARIABLE, mark: randomBytes(12).toString('hex') },
    ...joining,
    isDetached: false,
    onProgress: ({ joined, ready }) => {
      if (app.stderr.isTTY === true)
        app.stderr.write(`\r\u001b[2K${joined} of ${nodes} have joined, ${ready} are ready`);
    },
    onFailed: (node, reason) => {
      failures++;
      if (failures <= SHOWN_FAILURES) app.stderr.write(`${clearLine(app)}fleet: ${node} did not come up: ${reason}\n`);
    },
  });
  try {
    await emulator.ready(app.interrupt);
    const { ready, failed } = emulator.progress;
    app.stderr.write(clearLine(app));
    app.stdout.write(`${ready} of ${nodes} nodes are ready; INT or TERM ends them. Keys and logs are in ${folder}.\n`);
    if (failed > SHOWN_FAILURES) app.stderr.write(`fleet: ${failed} nodes did not come up\n`);
    if (failed > 0) app.setExit(ready === 0 ? EXIT.none : EXIT.some);
    if (!app.interrupt.aborted) await Promise.race([emulator.anyEnded(), aborted(app.interrupt)]);
  } finally {
    await emulator.stop();
  }
}

const SHOWN_FAILURES = 5;
const clearLine = ({ stderr }: App): string => (stderr.isTTY === true ? '\r\u001b[2K' : '');

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}

/** @throws UsageError `bad-token` */
function readToken(source: string): string {
  try {
    return readFileSync(source === '-' ? 0 : source, 'utf8').trim();
  } catch (cause) {
    throw new UsageError(
      `the token can't be read from ${source} (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      {
        code: 'bad-token',
        hint: 'Make one, and keep it in a file: fleet enroll token --uses N > token',
        cause,
      },
    );
  }
}
