/**
 * Runs one program for an action: no shell unless asked for, own process group, clean environment, bounded output, and
 * at the time limit or a cancel nothing of it stays behind. The runner does it for exec and task.run.
 *
 * A program that ends well may leave processes behind in the background; they go on. When such a process still holds the
 * program's output, what it writes later than `LIMITS.outputAfterExitMs` after the exit isn't read any more.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import type { Clock } from '../../shared/clock.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { OutputStream } from '../../shared/wire/result.ts';
import type { ActionOutcome } from '../actions/action.ts';
import { ShownOutput } from '../secrets/shown-output.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { endTree } from './end-tree.ts';
import { buildEnvironment } from './environment.ts';
import { explainStartError, findProgram, requireDirectory } from './find-program.ts';
import { readStat, type ProcessStat } from './proc-stat.ts';
import { abortState, describeExit, endedOutcome, exitOutcome, settle, type ProgramExit } from './program-outcome.ts';
import { chooseAccount, identityOf, switchFailure } from './switch-user.ts';
import type { Users } from './users.ts';

export interface ProgramRequest {
  /** Program and arguments; with `shell` one item, the command line. */
  readonly argv: readonly string[];
  readonly shell?: boolean | undefined;
  /** Name or number. @default the agent's own user */
  readonly user?: string | undefined;
  /** @default '/' */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** @default none: the program reads an end of file */
  readonly stdin?: string | undefined;
}

export interface ProgramHost {
  readonly users: Users;
  readonly clock: Clock;
  /** What every program gets, and a command may override. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** What every program gets, and nobody may override: the marks of an embedded fleet. @default none */
  readonly marks?: Readonly<Record<string, string>>;
  /** Between TERM and KILL when a program has to end. @default LIMITS.endGraceMs */
  readonly graceMs?: number;
}

export interface ProgramRun {
  readonly job: string;
  /** Aborted with `'timeout'` or `'cancelled'`. */
  readonly signal: AbortSignal;
  /** What must not be seen in its output. @default nothing */
  readonly secrets?: Pick<Secrets, 'redactor'> | undefined;
  /** What marks its processes. @default a random one */
  readonly run?: string;
  /** Called with the process, once it's there. */
  readonly onStarted?: (root: ProcessStat) => void;
  /** Called with all that it writes, redacted; the bytes are used again afterwards. */
  readonly onOutput?: (stream: OutputStream, bytes: Uint8Array) => void;
}

export function runProgram(
  request: ProgramRequest,
  run: ProgramRun,
  host: ProgramHost,
): Promise<ActionOutcome<ProgramOutcome>> {
  return settle(async () => {
    if (run.signal.aborted) {
      const { state } = abortState(run.signal.reason);
      return { state, code: 'not-started', reason: 'never started' };
    }
    return await follow(await start(request, run, host), run.signal, host);
  });
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

interface Started {
  readonly child: Child;
  readonly root: ProcessStat | undefined;
  readonly run: string;
  readonly stdout: ShownOutput;
  readonly stderr: ShownOutput;
  readonly exited: Promise<ProgramExit>;
  readonly closed: Promise<unknown>;
}

async function start(request: ProgramRequest, given: ProgramRun, host: ProgramHost): Promise<Started> {
  const { job, onOutput, onStarted, run = randomBytes(12).toString('hex'), secrets } = given;
  const { account, change } = chooseAccount(request.user, host.users, process.getuid?.() ?? 0);
  const cwd = request.cwd ?? '/';
  const env = buildEnvironment({
    job,
    run,
    account,
    given: request.env ?? {},
    base: host.environment ?? {},
    marks: host.marks ?? {},
  });
  const [name = '', ...rest] = request.shell ? ['/bin/sh', '-c', ...request.argv] : request.argv;
  await requireDirectory(cwd);
  const program = await findProgram(name, env['PATH'] ?? '', cwd);
  const identity = account !== undefined && change ? await identityOf(account, host.users) : { prefix: [] };
  // Through setpriv the program goes by its path; otherwise it sees the name that it was asked for by.
  const [file = program, ...before] = identity.prefix;
  const args = identity.prefix.length === 0 ? rest : [...before, program, ...rest];

  const child = spawnDetached(file, args, {
    cwd,
    env,
    ...(identity.prefix.length === 0 && { argv0: name }),
    ...(identity.uid !== undefined && { uid: identity.uid, gid: identity.gid }),
    stdin: request.stdin !== undefined,
  });
  // Read before the event loop can learn of its end: even a program that ended at once is still there as a zombie.
  const root = child.pid === undefined ? undefined : readStat(child.pid);
  const keep = (stream: OutputStream): ShownOutput =>
    new ShownOutput(LIMITS.outputBytes, secrets?.redactor, (bytes) => onOutput?.(stream, bytes));
  const [stdout, stderr] = [keep('stdout'), keep('stderr')];
  child.stdout.on('data', (chunk: Buffer) => stdout.write(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk));
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('exit', (exit, signal) => resolve({ exit, signal }));
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  // A program may end, or close its input, without having read it.
  child.stdin?.on('error', () => undefined);
  await once(child, 'spawn').catch((error: unknown) => {
    throw explainStartError(error as NodeJS.ErrnoException, program);
  });
  if (root !== undefined) onStarted?.(root);
  child.stdin?.end(request.stdin);
  return { child, root, run, stdout, stderr, exited, closed };
}

async function follow(
  started: Started,
  signal: AbortSignal,
  { clock, graceMs = LIMITS.endGraceMs }: ProgramHost,
): Promise<ActionOutcome<ProgramOutcome>> {
  const { child, root, run, exited } = started;
  const end = await Promise.race([exited, aborted(signal)]);
  if (end !== 'aborted') {
    await closeOutput(started);
    const data = describeExit(end, started.stdout.read(), started.stderr.read());
    const failure = switchFailure(data.exit, data.stderr);
    if (failure !== undefined && child.spawnargs.includes('--')) throw failure;
    return exitOutcome(data);
  }

  const remaining = root === undefined ? [] : await endTree({ root, run }, graceMs, clock);
  const last = await within(exited, LIMITS.outputAfterExitMs);
  await closeOutput(started);
  const data = describeExit(last ?? { exit: null, signal: null }, started.stdout.read(), started.stderr.read());
  return endedOutcome(signal.reason, data, remaining);
}

/** Reads what is still in the pipes, then lets go of them: a process in the background may hold them open for ever. */
async function closeOutput({ child, closed }: Started): Promise<void> {
  await within(closed, LIMITS.outputAfterExitMs);
  child.stdin?.destroy();
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}

interface SpawnOptions {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly argv0?: string;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly stdin: boolean;
}

function spawnDetached(file: string, args: readonly string[], { stdin, ...options }: SpawnOptions): Child {
  try {
    return spawn(file, args, {
      ...options,
      detached: true,
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    }) as Child;
  } catch (cause) {
    // Node throws some errors of the system at once, and reports others by an event.
    const error = cause as NodeJS.ErrnoException;
    if (error.code === undefined || !error.code.startsWith('ERR_')) throw explainStartError(error, file);
    throw new RefusedError('an argument has a zero byte in it', { code: 'invalid-input', cause });
  }
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true }));
}

/** The promise's value, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
