/**
 * Runs a program that tells facts: argv without a shell, no input, a small environment, bounded output, in a process
 * group of its own that is ended as a whole, whichever way it comes to its end. Programs of commands run elsewhere.
 */
import { spawn } from 'node:child_process';
import { FactProblem } from './fact-value.ts';

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Of standard output and of standard error, each. */
  readonly maxBytes: number;
  /** Ends the program and all that it started in its group. */
  readonly signal: AbortSignal;
}

export interface ProgramResult {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws FactProblem when it can't be started, prints too much, or is ended by the signal. */
export function runProgram(argv: readonly [string, ...string[]], options: ProgramOptions): Promise<ProgramResult> {
  const [program, ...args] = argv;
  const { signal, maxBytes } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new FactProblem('was stopped'));
    const child = spawn(program, args, {
      cwd: '/',
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let hasExited = false;
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };

    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', stop);
      // Once it has been reaped its number may be a stranger's.
      if (!hasExited) endGroup(child.pid);
      finish();
    };
    const fail = (reason: string): void => {
      settle(() => {
        // Something that left the group may hold the pipes open: they aren't waited for.
        child.stdout.destroy();
        child.stderr.destroy();
        reject(new FactProblem(reason));
      });
    };
    const stop = (): void => fail('was stopped');
    signal.addEventListener('abort', stop, { once: true });

    for (const name of ['stdout', 'stderr'] as const) {
      let bytes = 0;
      child[name].on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) fail(`printed more than ${maxBytes} bytes`);
        else output[name].push(chunk);
      });
    }
    child.on('error', (error) => fail(`can't be run: ${error.message}`));
    // What the program left running in its group would keep the pipes open, and the machine busy.
    child.on('exit', () => {
      hasExited = true;
      if (!isTaken(child.pid)) endGroup(child.pid);
    });
    child.on('close', (exit, ended) => {
      const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      settle(() => resolve({ exit, signal: ended, stdout: text(output.stdout), stderr: text(output.stderr) }));
    });
  });
}

/**
 * Whether there is a process of this number. The kernel gives no number away while a group of that number has members:
 * after a leader was reaped, a process with its number means that the group is empty, and the number used again.
 */
function isTaken(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** KILL, since a program that only tells facts has nothing to put in order. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
