/**
 * One program in the runner's care: started, read, ended at its time limit by the runner's own clock, and written down in
 * its folder. Whether an agent listens makes no difference to it.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { open, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { OUTPUT_STREAMS, type OutputStream } from '../../shared/wire/result.ts';
import type { ActionOutcome } from '../actions/action.ts';
import { runProgram } from '../process/run-program.ts';
import type { Users } from '../process/users.ts';
import { createSecrets, redactOutcome } from '../secrets/secrets.ts';
import { formatRecordLine, recordPath, type Ended, type RecordLine } from '../spool/run-record.ts';
import type { Start, Streams } from './messages.ts';
import { SpooledStream } from './spooled-stream.ts';
import type { SpoolRoom } from './spool-room.ts';

export interface ProgramRunDependencies {
  /** In it, each run has a folder. */
  readonly folder: string;
  readonly room: SpoolRoom;
  readonly clock: Clock;
  readonly users: Users;
  /** Called when there is more output. */
  readonly onOutput: () => void;
}

export class ProgramRun {
  readonly #deps: ProgramRunDependencies;
  readonly #start: Start;
  readonly #end = new AbortController();
  readonly #streams: Readonly<Record<OutputStream, SpooledStream>>;

  constructor(start: Start, dependencies: ProgramRunDependencies) {
    this.#start = start;
    this.#deps = dependencies;
    const stream = (name: OutputStream): SpooledStream =>
      new SpooledStream({ run: start.run, folder: this.#folder, stream: name }, dependencies.room);
    this.#streams = { stdout: stream('stdout'), stderr: stream('stderr') };
  }

  get streams(): Streams {
    return { stdout: this.#streams.stdout.state, stderr: this.#streams.stderr.state };
  }

  end(why: 'timeout' | 'cancelled'): void {
    this.#end.abort(why);
  }

  release(stream: OutputStream, offset: number): void {
    this.#streams[stream].release(offset);
  }

  expire(before: number): void {
    for (const stream of OUTPUT_STREAMS) this.#streams[stream].expire(before);
  }

  /** Resolves when the program has ended. Never throws. */
  async run(): Promise<Ended> {
    const { clock } = this.#deps;
    const started = clock.now();
    try {
      mkdirSync(this.#folder, { mode: 0o700 });
      this.#note({ type: 'begun', version: 1, at: started, origin: this.#start.origin });
    } catch (error) {
      const outcome = { state: 'refused', code: 'cannot-record', reason: cannotRecord(error) } as const;
      return { type: 'ended', started, ended: clock.now(), outcome };
    }
    const outcome = await this.#runProgram();
    const streams = { stdout: this.#streams.stdout.end(), stderr: this.#streams.stderr.end() };
    return { type: 'ended', started, ended: clock.now(), outcome, streams };
  }

  /** Resolves when it would survive a power cut. @throws what the file system throws */
  async keepEnd(end: Ended): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = await open(recordPath(this.#folder), 'a', 0o600);
    try {
      // After half of a line that there was no room for.
      const line = Buffer.from(`\n${formatRecordLine(end)}`);
      await file.appendFile(line);
      this.#deps.room.add(this.#start.run, line.length);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  get #folder(): string {
    return join(this.#deps.folder, this.#start.run);
  }

  async #runProgram(): Promise<Ended['outcome']> {
    const { clock, onOutput, users } = this.#deps;
    const { environment, graceMs, job, marks, request, run, secrets: values, timeoutMs } = this.#start;
    const secrets = values.length === 0 ? undefined : createSecrets(Object.fromEntries(values.entries()));
    const timer = setTimeout(() => this.end('timeout'), timeoutMs);
    try {
      const outcome = await runProgram(
        request,
        {
          job,
          run,
          signal: this.#end.signal,
          secrets,
          onStarted: ({ pid, start }) => this.#try(() => this.#note({ type: 'started', pid, start })),
          onOutput: (stream, bytes) => {
            this.#streams[stream].write(bytes);
            onOutput();
          },
        },
        { clock, environment, graceMs, marks, users },
      );
      return (secrets === undefined ? outcome : redactOutcome(outcome, secrets.redactor)) as Ended['outcome'];
    } catch (error) {
      return broken(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The memory of commands has been synced for it: against a power cut, this one needn't. */
  #note(line: RecordLine): void {
    const file = openSync(recordPath(this.#folder), 'a', 0o600);
    try {
      this.#deps.room.add(this.#start.run, writeSync(file, formatRecordLine(line)));
    } finally {
      closeSync(file);
    }
  }

  #try(work: () => void): void {
    try {
      work();
    } catch {
      // It helps people, and is needed by nothing.
    }
  }
}

const cannotRecord = (error: unknown): string =>
  `the node can't write down that it runs this (${(error as NodeJS.ErrnoException).code ?? 'error'})`;

function broken(error: unknown): ActionOutcome<never> {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return {
    state: 'failed',
    code: 'internal',
    reason: 'the runner broke over it: a bug, its stack is in spool/runner.log',
  };
}
