/** The records of jobs, for who may read them: one, many, or one that is followed. What Fleet.jobs() gives. */
import { UsageError } from '../../shared/errors.ts';
import { jobStream } from '../../shared/streams.ts';
import type { JobFrame } from '../../shared/wire/job.ts';
import { isLed } from '../batch/is-led.ts';
import type { BusWatch } from '../bus-watch.ts';
import type { OutputRequest } from '../output/live-output.ts';
import type { RunOptions } from '../run-plan.ts';
import { readAttempts, type Attempts } from './attempts.ts';
import { followJob, type FollowedJob } from './follow-job.ts';
import { assembleFrames, type JobFrames, type JobView } from './job-view.ts';
import { readOwner } from './job-owner.ts';
import { readOutput } from './read-output.ts';
import { readFrame, readFrames, readJob, viewFrames, type JobReader } from './read-job.ts';

export interface JobQuery {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Whose; undefined: everybody's. */
  readonly caller: string | undefined;
}

export interface JobSourceDependencies extends JobReader {
  readonly watch: BusWatch;
  /** Public signing key of who reads. */
  readonly own: Uint8Array;
  /** Reads what nodes answered to others, too. */
  readonly isAdmin: boolean;
}

export class JobSource {
  readonly #deps: JobSourceDependencies;

  constructor(dependencies: JobSourceDependencies) {
    this.#deps = dependencies;
  }

  /** Whose jobs are one's own, and whether others' may be read. */
  get reader(): { readonly caller: string; readonly isAdmin: boolean } {
    const { caller, isAdmin } = this.#deps;
    return { caller, isAdmin };
  }

  /** @throws UsageError `bad-job`, `no-such-job`, `not-your-job`; TransportError */
  read(job: string, signal?: AbortSignal): Promise<JobView> {
    return readJob(job, this.#deps, (frames) => this.#assertMayRead(frames), signal);
  }

  /** What its caller and who leads it wrote of it: every operator may read that. @throws UsageError `bad-job`, `no-such-job`; TransportError */
  frames(job: string, signal?: AbortSignal): Promise<JobFrames> {
    return readFrames(job, this.#deps, signal);
  }

  /** The public signing key of who sent its commands. @throws TransportError */
  owner(frames: JobFrames): Promise<Uint8Array> {
    return readOwner(frames, this.#deps);
  }

  /** What a retry of it has to name, with the attempts before that. @throws UsageError `too-many-attempts`; TransportError */
  attempts(frames: JobFrames, signal?: AbortSignal): Promise<Attempts> {
    const { clock, own } = this.#deps;
    return readAttempts(frames, this, { own, now: clock.now() }, signal);
  }

  /** What a job came to so far, of one that `list` gave. @throws TransportError */
  view(frames: JobFrames, signal?: AbortSignal): Promise<JobView> {
    return viewFrames(frames, this.#deps, signal);
  }

  /** Until nothing is expected of it any more. @throws InterruptedError; TransportError */
  follow(
    frames: JobFrames,
    options: Pick<RunOptions, 'onNode' | 'onProgress' | 'output' | 'signal'>,
  ): Promise<FollowedJob> {
    return followJob(frames, options, this.#deps);
  }

  /** What programs of it have written so far; of one node alone where it's named. @throws TransportError; OutputError */
  readOutput(frames: JobFrames, node: string | undefined, request: OutputRequest, signal?: AbortSignal): Promise<void> {
    return readOutput(frames, node, request, this.#deps, signal);
  }

  /** Frames alone, the oldest first. @throws TransportError */
  async list({ caller, since }: JobQuery, signal?: AbortSignal): Promise<JobFrames[]> {
    const { bus, fleet, subjects } = this.#deps;
    const found = new Map<string, JobFrame[]>();
    await bus.read(
      jobStream(fleet),
      caller === undefined ? subjects.jobs() : subjects.jobsOf(caller),
      (stored) => {
        const frame = readFrame(stored, this.#deps);
        if (frame !== undefined) found.set(stored.subject, [...(found.get(stored.subject) ?? []), frame]);
      },
      { since, signal },
    );
    return [...found.values()].flatMap((frames) => assembleFrames(frames) ?? []);
  }

  /** Whether somebody gives nodes their turns: only asked of a batch that has such. @throws TransportError */
  isLed({ begun: { caller, job } }: JobFrames): Promise<boolean> {
    return isLed({ caller, job }, this.#deps);
  }

  #assertMayRead({ begun: { caller: owner, job } }: JobFrames): void {
    const { caller, isAdmin } = this.#deps;
    if (owner === caller || isAdmin) return;
    throw new UsageError(`job ${job} is ${owner}'s, and what nodes answered is for them and for admins`, {
      code: 'not-your-job',
      hint: `Ask ${owner}, or somebody with the role admin.`,
    });
  }
}
