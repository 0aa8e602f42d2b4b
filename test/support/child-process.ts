/**
 * Starts real programs for tests, each in a process group of its own, and ends them: by `stop()`, or after the test by
 * end-of-test.ts, or, when the runner itself was killed, by the watchdog. Support files start programs only here.
 */
import { spawn } from 'node:child_process';
import { waitFor } from './wait-for.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export interface ChildOptions {
  readonly cwd?: string;
  /** The whole environment. @default the test's own */
  readonly env?: Record<string, string | undefined>;
  /** Written to its standard input, which is then closed. @default nothing */
  readonly stdin?: string;
  /** Keeps its standard input open, for `write()`. @default false */
  readonly holdsStdin?: boolean;
  /** Belongs to the suite: its end is looked for after the last test of the file. @default false */
  readonly outlivesTest?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly outlivesTest: boolean;
  /** Both streams in order of arrival; the last megabyte. */
  output(): string;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<Ended>;
  isRunning(): boolean;
  /** To its standard input, which `holdsStdin` kept open. */
  write(text: string): void;
  /** To the program alone, not to its group. */
  kill(signal: NodeJS.Signals): void;
  /** TERM to the group, KILL to what is left of it after `graceMs`. */
  stop(graceMs?: number): Promise<Ended>;
}

const KEPT_OUTPUT = 1024 * 1024;

/** What runs, for end-of-test.ts: the one thing that outlives a single test's variables. */
const running = new Set<Child>();
let watchdog: Watchdog | undefined;

export function runningChildren(): Child[] {
  return [...running];
}

export async function startChild(
  program: string,
  args: readonly string[] = [],
  options: ChildOptions = {},
): Promise<Child> {
  watchdog ??= startWatchdog();
  const { group, process: child } = await spawnGroup(program, args, options);
  watchdog.started(group);

  const kept = { all: '', stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      kept.all = (kept.all + text).slice(-KEPT_OUTPUT);
      kept[stream] = (kept[stream] + text).slice(-KEPT_OUTPUT);
    });
  }
  // It may end without reading what it was given.
  child.stdin.on('error', () => {});
  if (options.holdsStdin === true) child.stdin.write(options.stdin ?? '');
  else child.stdin.end(options.stdin ?? '');

  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const self: Child = {
    name: [program.split('/').at(-1), ...args].join(' '),
    pid: group,
    outlivesTest: options.outlivesTest === true,
    output: () => kept.all,
    stdout: () => kept.stdout,
    stderr: () => kept.stderr,
    ended,
    isRunning,
    write: (text) => void child.stdin.write(text),
    kill: (signal) => void child.kill(signal),
    stop: async (graceMs = 5_000) => {
      signalGroup(group, 'SIGTERM');
      // A stopped process takes no TERM.
      signalGroup(group, 'SIGCONT');
      const hasEnded = waitFor(() => !isRunning(), { what: 'the end', timeoutMs: graceMs });
      await hasEnded.catch(() => {});
      signalGroup(group, 'SIGKILL');
      return ended;
    },
  };
  running.add(self);
  child.once('exit', () => {
    // What it left behind in its group ends with it.
    signalGroup(group, 'SIGKILL');
    watchdog?.ended(group);
    running.delete(self);
  });
  return self;
}

async function spawnGroup(program: string, args: readonly string[], options: ChildOptions) {
  const child = spawn(program, args, {
    detached: true,
    stdio: 'pipe',
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env && { env: options.env }),
  });
  if (child.pid !== undefined) return { group: child.pid, process: child };
  return new Promise<never>((_resolve, reject) => child.once('error', reject));
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
