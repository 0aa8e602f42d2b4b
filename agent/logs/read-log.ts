/** Has journalctl or tail read a log, and hands on what they write as fast as it's taken; they wait meanwhile. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { InputOf } from '../../shared/action.ts';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import type { logsRead } from '../../shared/actions/logs-read.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { WholeLines } from '../../shared/whole-lines.ts';
import type { OutputStream } from '../../shared/wire/result.ts';
import { compilePattern, occursIn, type Pattern } from '../../shared/where/regex.ts';
import type { ActionContext, ActionOutcome } from '../actions/action.ts';
import { PipedOutput } from '../output/piped-output.ts';
import { BoundedOutput } from '../process/bounded-output.ts';
import { DEFAULT_PATH } from '../process/environment.ts';
import { findProgram } from '../process/find-program.ts';
import { describeExit, endedOutcome, exitOutcome, type ProgramExit } from '../process/program-outcome.ts';
import { openLogFile } from './open-log-file.ts';

type LogQuery = InputOf<typeof logsRead>;
type Reader = ChildProcessByStdio<null, Readable, Readable>;

/** @param folders whose files may be read @throws RefusedError `invalid-input`, `not-authorized`; ActionError */
export async function readLog(
  query: LogQuery,
  folders: readonly string[],
  { output, signal }: Pick<ActionContext, 'output' | 'signal'>,
): Promise<ActionOutcome<ProgramOutcome>> {
  const pattern = query.grep === undefined ? undefined : readPattern(query.grep);
  const file = query.file === undefined ? undefined : await openLogFile(query.file, folders);
  try {
    const child = await start(query, file);
    const exited = once(child, 'close').then(([exit, by]): ProgramExit => ({ exit: exit as number | null, signal: by as NodeJS.Signals | null })); // prettier-ignore
    let isStopped = false;
    const resume = (): void => {
      child.stdout.resume();
      child.stderr.resume();
    };
    const stop = (): void => {
      isStopped = true;
      child.kill();
      // What it has written so far is taken, or it would be waited for.
      resume();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const piped = new PipedOutput({
      maxBytes: LIMITS.outputPieceBytes,
      onRoom: resume,
      onUnheard: stop,
    });
    output?.(piped);
    const write = (stream: OutputStream, bytes: Buffer): void => {
      if (!piped.write(stream, bytes) && !isStopped) child[stream].pause();
    };
    const kept = {
      stdout: keep(child.stdout, (bytes) => write('stdout', bytes), pattern),
      stderr: keep(child.stderr, (bytes) => write('stderr', bytes), undefined),
    };
    const end = await exited;
    signal.removeEventListener('abort', stop);
    for (const { finish } of [kept.stdout, kept.stderr]) finish();
    const streams = piped.end();
    const data = describeExit(end, kept.stdout.bounded.read(), kept.stderr.bounded.read());
    // A reader that goes on until it's told to stop has done what it should.
    const outcome = signal.aborted ? endedOutcome(signal.reason, data, []) : exitOutcome(data);
    return { ...outcome, streams };
  } finally {
    await file?.close();
  }
}

/** Of a program that isn't there, and of arguments: see `findProgram`. */
async function start(query: LogQuery, file: FileHandle | undefined): Promise<Reader> {
  const [name = '', ...args] = readerOf(query);
  const program = await findProgram(name, DEFAULT_PATH, '/');
  const child = spawn(program, args, {
    cwd: '/',
    env: { PATH: DEFAULT_PATH, LANG: 'C.UTF-8' },
    stdio: [file?.fd ?? 'ignore', 'pipe', 'pipe'],
  }) as Reader;
  await once(child, 'spawn');
  return child;
}

/** What reads it, with its arguments; a file is its standard input. */
export function readerOf({ file, follow, lines = LIMITS.logLinesDefault, since, unit }: LogQuery): string[] {
  if (file !== undefined) return ['tail', '-n', String(lines), ...(follow === true ? ['-f'] : [])];
  return [
    'journalctl',
    '--no-pager',
    '--quiet',
    '--output=short-iso',
    `--lines=${lines}`,
    ...(unit === undefined ? [] : [`--unit=${unit}`]),
    ...(since === undefined ? [] : [`--since=@${Math.floor(since / 1000)}`]),
    ...(follow === true ? ['--follow'] : []),
  ];
}

/** What is handed on of one stream, and kept of it for the final. */
function keep(
  stream: Readable,
  write: (bytes: Buffer) => void,
  pattern: Pattern | undefined,
): { readonly bounded: BoundedOutput; readonly finish: () => void } {
  const bounded = new BoundedOutput(LIMITS.outputBytes);
  const lines = new WholeLines();
  const take = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    bounded.write(bytes);
    write(bytes);
  };
  const matching = (found: readonly string[]): Buffer =>
    Buffer.from(
      found.flatMap((line) => (pattern !== undefined && occursIn(pattern, line) ? [`${line}\n`] : [])).join(''),
    );
  stream.on('data', (chunk: Buffer) => take(pattern === undefined ? chunk : matching(lines.write(chunk))));
  return { bounded, finish: () => take(matching(lines.end())) };
}

function readPattern(source: string): Pattern {
  const pattern = compilePattern(source, false);
  if ('problem' in pattern) throw new RefusedError(`grep: expected ${pattern.problem}`, { code: 'invalid-input' });
  return pattern;
}
