/**
 * Says how jobs ended whose caller doesn't any more: when every expected node has answered and it was quiet for a while, or
 * when their time is over. Nothing waits for it: readers of a record see the same. A caller that is alive says it itself;
 * of several who try, the record takes one.
 */
import type { HistoryMessage, Subscription } from '../../shared/bus.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { countStates } from '../../shared/states.ts';
import { jobStream } from '../../shared/streams.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeJobFrame } from '../../shared/wire/job.ts';
import { appendFrame, isLeadLost } from '../job/append-frame.ts';
import { JobTrust } from '../job/job-trust.ts';
import { assembleFrames, overAt, viewJob, type JobFrames, type JobView } from '../job/job-view.ts';
import { readFinals, readFrame } from '../job/read-job.ts';
import { groupVerdicts } from '../job/verdicts.ts';
import type { Counter } from './metrics.ts';
import { OpenJobs, type OpenJob } from './open-jobs.ts';
import type { PartHealth, ServiceContext, ServicePart } from './part.ts';

export class JobEnding implements ServicePart {
  readonly name = 'endings';
  readonly #context: ServiceContext;
  #open = new OpenJobs();
  readonly #abort = new AbortController();
  readonly #ended: Counter;
  #following: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
    const { metrics } = context;
    this.#ended = metrics.counter('fleet_jobs_ended_total', 'Jobs whose end this service wrote down.');
    metrics.gauge('fleet_jobs_open', 'Jobs without turns whose end nobody has written down.', () => this.#open.size);
  }

  /** @throws TransportError */
  async start(): Promise<void> {
    const { bus, fleet, subjects } = this.#context;
    this.#following?.close();
    this.#open = new OpenJobs();
    const trust = this.#trust();
    const take = (stored: HistoryMessage): void => this.#open.take(stored, readFrame(stored, { subjects, trust }));
    this.#following = await bus.follow(jobStream(fleet), subjects.jobs(), take);
    this.#timer ??= setInterval(() => this.#look(), LIMITS.jobEndCheckMs);
  }

  health(): PartHealth {
    const open = `${this.#open.size} open`;
    return { ok: true, detail: this.#problem === undefined ? open : `${open}; ${this.#problem}` };
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#timer);
    this.#following?.close();
    await this.#looking;
  }

  #look(): void {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookAtAll(): Promise<void> {
    const { clock, log } = this.#context;
    this.#problem = undefined;
    for (const job of this.#open.all()) {
      if (this.#abort.signal.aborted) return;
      if (clock.now() - job.storedAt > LIMITS.jobKeepMs) {
        this.#open.forget(job);
        continue;
      }
      try {
        await this.#lookAt(job);
      } catch (error) {
        // Somebody else wrote: what that is comes by itself.
        if (isLeadLost(error) || this.#abort.signal.aborted) continue;
        if (!(error instanceof FleetError)) {
          log.error({ err: error, job: job.begun.job }, 'looking how a job ended broke: a bug');
          this.#open.forget(job);
          continue;
        }
        // It is looked at again.
        this.#problem = error.message;
        log.info({ job: job.begun.job, code: error.code, why: error.message }, 'a job could not be looked at');
        return;
      }
    }
  }

  async #lookAt(job: OpenJob): Promise<void> {
    const { bus, clock, fleet, subjects } = this.#context;
    const { caller, job: id } = job.begun;
    const frames = assembleFrames(job.frames);
    if (frames === undefined) return;
    const now = clock.now();
    const isTimeUp = timesOf(frames).some((time) => time > job.readAt && time <= now);
    const newest = await bus.newestSequence(jobStream(fleet), subjects.recordsOf(caller, id));
    const moment = clock.monotonic();
    if (newest !== job.newest) Object.assign(job, { newest, newestSince: moment });
    // Its caller says it within moments, if it is there.
    const isQuiet = newest > job.readTo && moment - job.newestSince >= LIMITS.jobEndQuietMs;
    if (!isTimeUp && !isQuiet) return;
    const { sequence } = job;
    const view = await this.#view(frames, now);
    Object.assign(job, { readTo: newest, readAt: now });
    if (view?.isOver === true) await this.#end(job, view, sequence);
  }

  /** Undefined where a node waits for more signatures, and may still get them. */
  async #view(frames: JobFrames, now: number): Promise<JobView | undefined> {
    const { bus, clock, fleet, identity, subjects } = this.#context;
    const reader = { bus, caller: identity.name, clock, fleet, subjects, trust: this.#trust() };
    const finals = await readFinals(frames, reader, this.#abort.signal);
    // What was read in part says nothing of the rest.
    if (this.#abort.signal.aborted) return undefined;
    const waits = [...finals.values()].some(({ code }) => code === 'needs-approval');
    return waits && now <= (overAt(frames) ?? Infinity) ? undefined : viewJob(frames, finals, now);
  }

  /** @throws TransportError `store-conflict` where anybody has written since */
  async #end(job: OpenJob, view: JobView, sequence: number): Promise<void> {
    const { bus, clock, fleet, identity, log } = this.#context;
    const { caller, expected, job: id, subject } = job.begun;
    const revision = Math.max(...job.frames.map((frame) => frame.revision)) + 1;
    const told = new Set(view.verdicts.flatMap(({ nodes }) => nodes.map((place) => expected[place])));
    const untold = view.nodes.filter(({ node }) => !told.has(node));
    const frame = encodeJobFrame({
      subject,
      revision,
      job: id,
      caller,
      by: identity.name,
      type: 'ended',
      at: clock.now(),
      exit: view.exit,
      states: countStates(view.nodes.map(({ state }) => state)),
      unmatched: view.unmatched.length,
      verdicts: groupVerdicts(untold, new Map(expected.map((name, at) => [name, at]))),
    });
    const bytes = await seal('job', identity.fleetId, identity, frame, { inlineCredential: true });
    await appendFrame({ subject, bytes, after: sequence }, { bus, fleet });
    this.#ended.add();
    log.info({ caller, job: id, exit: view.exit }, 'a job has ended whose caller is gone');
  }

  #trust(): JobTrust {
    const { control, directory, identity, trust } = this.#context;
    const { fleetId } = trust;
    const roots = [...identity.roots, ...control.state.rootsEver];
    return new JobTrust({ fleetId, roots }, { trust, roster: directory.roster });
  }
}

/** When something of it is over that answers alone don't tell. */
function timesOf(frames: JobFrames): number[] {
  const over = overAt(frames);
  const times = [...(over === undefined ? [] : [over]), ...frames.queued.map(({ startBy }) => startBy + LIMITS.clockSkewMs)]; // prettier-ignore
  return times.map((time) => time + LIMITS.jobEndQuietMs);
}
