/**
 * Programs that outlive the agent: handed to the runner, and taken up again by the next agent. One for each agent. What
 * the runner keeps on the disk (output, exit) is read here; what it's told goes over its socket.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import type { Clock } from '../../shared/clock.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import type { StreamDigest } from '../../shared/wire/result.ts';
import type { ActionOutcome } from '../actions/action.ts';
import { abortState, settle } from '../process/program-outcome.ts';
import type { ProgramPlace, Programs } from '../process/programs.ts';
import type { ProgramHost, ProgramRequest } from '../process/run-program.ts';
import { SPOOL_FOLDER, type FromRunner } from '../runner/messages.ts';
import { launchRunner, type RunnerProgram } from './launch-runner.ts';
import { endLeft, endWithoutRunner, findLeft, recordedProcess, streamsOnDisk } from './left-behind.ts';
import { readRunRecord, type Ended, type RunRecord } from './run-record.ts';
import { connectRunner, type RunnerHello, type RunnerLink, type RunnerLimits } from './runner-link.ts';
import { runFolder, SpooledRun } from './spooled-run.ts';
import { StillRunning } from './still-running.ts';

export interface ProgramSpoolOptions extends RunnerLimits {
  readonly stateDir: string;
  readonly runner: RunnerProgram;
  readonly host: Pick<ProgramHost, 'environment' | 'graceMs' | 'marks'>;
}

export interface ProgramSpoolDependencies {
  readonly clock: Clock;
  readonly log: Logger;
}

export class ProgramSpool implements Programs {
  readonly #options: ProgramSpoolOptions;
  readonly #deps: ProgramSpoolDependencies;
  readonly #runs = new Map<string, SpooledRun>();
  /** Runs of which nothing is needed but the process that goes on without a runner. */
  readonly #left = new Set<string>();
  #link: Promise<RunnerLink> | undefined;
  #current: RunnerLink | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isLeaving = false;
  readonly #sweep: NodeJS.Timeout;

  constructor(options: ProgramSpoolOptions, dependencies: ProgramSpoolDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#sweep = setInterval(() => this.#expire(), LIMITS.spoolSweepMs).unref();
  }

  /** Process id of the runner, while there is a connection to it. */
  get runnerPid(): number | undefined {
    return this.#current?.hello.pid;
  }

  run(request: ProgramRequest, place: ProgramPlace): Promise<ActionOutcome<ProgramOutcome>> {
    return settle(async () => {
      const { job, output, program, secrets, signal, timeoutMs } = place;
      const link = signal.aborted ? undefined : await this.#open();
      if (link === undefined || signal.aborted || this.#isLeaving) {
        const { state } = abortState(signal.reason);
        return { state, code: 'not-started', reason: 'never started' };
      }
      const run = program?.run ?? randomBytes(12).toString('hex');
      const spooled = this.#add(run);
      output?.(spooled);
      const { environment = {}, graceMs = LIMITS.endGraceMs, marks = {} } = this.#options.host;
      link.send({
        type: 'start',
        run,
        job,
        origin: program?.origin,
        request: { ...request, argv: [...request.argv], ...(request.env && { env: { ...request.env } }) },
        environment: { ...environment },
        marks: { ...marks },
        graceMs,
        timeoutMs: timeoutMs ?? LIMITS.runTimeoutMaxMs,
        secrets: Object.values(secrets?.values ?? {}),
      });
      return outcomeOf(await this.#follow(spooled, signal));
    });
  }

  /** What an earlier agent started. Looks whether a runner is there; starts none. */
  async reconnect(): Promise<void> {
    const link = await this.#connect().catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'the runner of an earlier agent can not be asked');
      return undefined;
    });
    if (link === undefined) return;
    this.#link = Promise.resolve(link);
    for (const { run, streams } of link.hello.runs) this.#add(run).grow(streams);
  }

  /** A program that an earlier agent had started: it runs, or it ended. Undefined where nothing is known of it. */
  async rejoin(run: string, why: 'rebooted' | 'runner-gone'): Promise<SpooledRun | undefined> {
    const known = this.#runs.get(run);
    if (known !== undefined) return known;
    const folder = runFolder(this.#options.stateDir, run);
    const record = await readRunRecord(folder);
    if (record?.begun === undefined) return undefined;
    const end = record.ended ?? (await endWithoutRunner(folder, record, why, this.#deps.clock.now()));
    const spooled = this.#add(run);
    spooled.end(end, streamsOnDisk(folder, record.ended));
    return spooled;
  }

  /** How a program ends; the signal ends it. @throws StillRunning */
  follow(spooled: SpooledRun, signal: AbortSignal): Promise<Ended> {
    return this.#follow(spooled, signal);
  }

  /** Its final is kept: once its output has been handed over, nothing of it is needed any more. */
  answered(run: string): void {
    this.#runs.get(run)?.answered();
  }

  /** Every run of which there is something on the disk, with what the agent said of it when it began. */
  async list(): Promise<{ run: string; origin: unknown; ended: Ended | undefined }[]> {
    const { stateDir } = this.#options;
    const names = await readdir(join(stateDir, SPOOL_FOLDER)).catch(() => []);
    const runs = names.filter((name) => /^[0-9a-f]{24}$/.test(name));
    return Promise.all(
      runs.map(async (run) => {
        const record = await readRunRecord(runFolder(stateDir, run));
        return { run, origin: record?.begun?.origin, ended: record?.ended };
      }),
    );
  }

  /** Nothing of it is needed. What still runs goes on, and nothing is told of it. */
  forget(run: string): void {
    this.#runs.delete(run);
    void this.#letGo(run);
    this.#closeWhenIdle();
  }

  /** Process id of what goes on although its runner is gone. */
  async findLeft(run: string): Promise<number | undefined> {
    return (await findLeft(runFolder(this.#options.stateDir, run), run))?.pid;
  }

  /** Ends it. @returns process ids of what is still there then; undefined where there was nothing */
  async endLeft(run: string): Promise<number[] | undefined> {
    const { host, stateDir } = this.#options;
    const { graceMs = LIMITS.endGraceMs } = host;
    return endLeft(runFolder(stateDir, run), run, { clock: this.#deps.clock, graceMs });
  }

  /** The agent ends. Programs go on, and who waits for one gets StillRunning. */
  leave(): void {
    this.#isLeaving = true;
    clearTimeout(this.#idle);
    for (const spooled of this.#runs.values()) spooled.abandon(new StillRunning());
  }

  /** Lets go of the runner. */
  close(): void {
    this.leave();
    clearInterval(this.#sweep);
    this.#current?.close();
  }

  #add(run: string): SpooledRun {
    clearTimeout(this.#idle);
    const { stateDir } = this.#options;
    const spooled = new SpooledRun({
      run,
      stateDir,
      onRelease: (stream, offset) => this.#current?.send({ type: 'release', run, stream, offset }),
      onDone: () => this.forget(run),
    });
    this.#runs.set(run, spooled);
    return spooled;
  }

  async #follow(spooled: SpooledRun, signal: AbortSignal): Promise<Ended> {
    const onAbort = (): void => {
      // The agent ends, not the command.
      if (this.#isLeaving) return;
      const why = signal.reason === 'timeout' ? 'timeout' : 'cancelled';
      this.#current?.send({ type: 'end', run: spooled.run, why });
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await spooled.ended;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #open(): Promise<RunnerLink> {
    clearTimeout(this.#idle);
    this.#link ??= this.#openNew().catch((error: unknown) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }

  async #openNew(): Promise<RunnerLink> {
    const { runner, stateDir } = this.#options;
    const { clock } = this.#deps;
    for (const from = clock.monotonic(); clock.monotonic() - from < LIMITS.runnerStartMs;) {
      const link = await this.#connect();
      if (link !== undefined) return link;
      await launchRunner(runner, stateDir);
      // Where another one is there, which ends just now.
      const again = await this.#connect();
      if (again !== undefined) return again;
      await new Promise((resolve) => setTimeout(resolve, LIMITS.runnerRetryMs));
    }
    throw new RefusedError('a runner of programs is there on this node, and can not be reached', {
      code: 'no-runner',
      hint: `its socket in ${stateDir} may have been removed; it ends with its last program`,
    });
  }

  async #connect(): Promise<RunnerLink | undefined> {
    const link = await connectRunner(this.#options.stateDir, this.#options, {
      onMessage: (message) => this.#take(message),
      onClose: () => void this.#onClose(),
    });
    if (link !== undefined) this.#current = link;
    return link;
  }

  #take(message: Exclude<FromRunner, RunnerHello>): void {
    const spooled = this.#runs.get(message.run);
    if (spooled === undefined) return;
    if (message.type === 'output') return spooled.grow(message.streams);
    if (!message.isKept)
      this.#deps.log.error(
        { run: message.run },
        'how a program ended could not be written to the disk: it is full, or broken',
      );
    spooled.end(message.end, message.streams);
  }

  /** Who still waits then: the runner was killed, or it's there and only the connection was lost. */
  async #onClose(): Promise<void> {
    this.#current = undefined;
    this.#link = undefined;
    const waiting = [...this.#runs.values()].filter(({ isSettled }) => !isSettled);
    if (this.#isLeaving || waiting.length === 0) return;
    this.#deps.log.error({ programs: waiting.length }, 'the connection to the runner of programs was lost');
    const link = await this.#connect().catch(() => undefined);
    if (link !== undefined) this.#link = Promise.resolve(link);
    for (const spooled of waiting) {
      if (link?.hello.runs.some(({ run }) => run === spooled.run) === true) continue;
      const record = await readRunRecord(spooled.folder);
      const now = this.#deps.clock.now();
      const end = record?.ended ?? (await endWithoutRunner(spooled.folder, record ?? NOTHING, 'runner-gone', now));
      spooled.end(end, streamsOnDisk(spooled.folder, record?.ended));
    }
  }

  /** While a program runs, its runner sees to it. */
  #expire(): void {
    const before = this.#deps.clock.now() - this.#options.maxAgeMs;
    for (const spooled of this.#runs.values()) if (spooled.hasEndedBefore(before)) spooled.expire();
    for (const run of this.#left) {
      this.#left.delete(run);
      this.forget(run);
    }
  }

  #closeWhenIdle(): void {
    if (this.#runs.size > 0 || this.#current === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const link = this.#current;
      this.#current = undefined;
      this.#link = undefined;
      link?.close();
    }, LIMITS.runnerIdleMs).unref();
  }

  async #letGo(run: string): Promise<void> {
    const folder = runFolder(this.#options.stateDir, run);
    const isHeld = this.#current?.hello.runs.some((held) => held.run === run) === true;
    // Who cancels it, or tries it again, has to find it.
    if (!isHeld && (await recordedProcess(folder)) !== undefined) this.#left.add(run);
    else if (this.#current === undefined) await this.#remove(run);
    else this.#current.send({ type: 'forget', run });
  }

  async #remove(run: string): Promise<void> {
    await rm(runFolder(this.#options.stateDir, run), { recursive: true, force: true }).catch(() => undefined);
  }
}

export function outcomeOf({ outcome, streams }: Ended): ActionOutcome<ProgramOutcome> {
  const { code, data, reason, state } = outcome;
  return {
    state,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    ...(data === undefined ? {} : { data }),
    ...(streams === undefined
      ? {}
      : { streams: { stdout: digestOf(streams.stdout), stderr: digestOf(streams.stderr) } }),
  };
}

const digestOf = ({ bytes, droppedBytes, sha256 }: NonNullable<Ended['streams']>['stdout']): StreamDigest => ({
  bytes,
  sha256: Buffer.from(sha256, 'hex'),
  ...(droppedBytes === 0 ? {} : { dropped: droppedBytes }),
});

/** It was handed over, and the runner had written nothing down. */
const NOTHING: Pick<RunRecord, 'begun' | 'started'> = { begun: undefined, started: undefined };
