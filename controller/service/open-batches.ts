/**
 * The batches that have not ended, so many and so large as a service has memory for (whoever may log in may write some), from the records of jobs as they are written, and when somebody was last heard of who
 * leads each. What it says of that proves nothing: whoever wants the lead appends to the record, and has it or not.
 */
import type { HistoryMessage } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { JobBegun, JobFrame } from '../../shared/wire/job.ts';
import { LEFT } from '../batch/lead-signs.ts';
import type { StoredFrame } from '../batch/rebuild.ts';
import { openFrame } from '../job/open-frame.ts';

export interface OpenBatch {
  readonly begun: JobBegun;
  readonly frames: StoredFrame[];
  /** Of its frames, as they lie on the bus. */
  bytes: number;
  /** Number in the stream of the last message of its record, whatever that is. */
  sequence: number;
  /** On the monotonic clock: of who leads it. */
  heardAt: number;
}

export interface OpenBatchesDependencies {
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  /** One is not kept, for there are too many: of its `caller` or in all, or its frames have too many `bytes`. */
  readonly onDropped: (why: 'bytes' | 'caller' | 'total') => void;
}

export class OpenBatches {
  readonly #deps: OpenBatchesDependencies;
  /** By the subject of the record. */
  readonly #open = new Map<string, OpenBatch>();
  readonly #bySign = new Map<string, OpenBatch>();

  constructor(dependencies: OpenBatchesDependencies) {
    this.#deps = dependencies;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Those of which nobody was heard for too long. */
  silent(): OpenBatch[] {
    const before = this.#deps.clock.monotonic() - LIMITS.leadSilenceMs;
    return [...this.#open.values()].filter(({ heardAt }) => heardAt <= before);
  }

  /** The oldest first. */
  all(): OpenBatch[] {
    return [...this.#open.values()];
  }

  /** It has ended, or nobody can lead it. */
  forget({ begun }: OpenBatch): void {
    const { caller, job, subject } = begun;
    this.#open.delete(subject);
    this.#bySign.delete(this.#deps.subjects.lead(caller, job));
  }

  /** Those whose records began before then: they are gone from the bus. */
  forgetBefore(time: number): void {
    for (const one of this.all()) if ((one.frames[0]?.storedAt ?? 0) < time) this.forget(one);
  }

  /** What was said meanwhile may not have come. */
  hearAnew(): void {
    for (const one of this.#open.values()) one.heardAt = this.#deps.clock.monotonic();
  }

  /** A message of some record. */
  take(stored: HistoryMessage): void {
    const { clock, subjects } = this.#deps;
    const { sequence, storedAt, subject } = stored;
    const known = this.#open.get(subject);
    const frame = this.#read(stored);
    if (known !== undefined) known.sequence = sequence;
    if (frame === undefined) return;
    if (known === undefined) {
      if (frame.type !== 'begun' || frame.batch === undefined || !this.#hasRoom(frame.caller)) return;
      const frames = [{ frame, storedAt }];
      const one = { begun: frame, frames, bytes: stored.data.length, sequence, heardAt: clock.monotonic() };
      this.#open.set(subject, one);
      this.#bySign.set(subjects.lead(frame.caller, frame.job), one);
      return this.#weigh(one);
    }
    known.heardAt = clock.monotonic();
    known.frames.push({ frame, storedAt });
    known.bytes += stored.data.length;
    if (frame.type === 'ended') this.forget(known);
    else this.#weigh(known);
  }

  /** Of one caller the newest are kept; of too many callers those that were there. */
  #hasRoom(caller: string): boolean {
    const { onDropped } = this.#deps;
    const own = this.all().filter(({ begun }) => begun.caller === caller);
    const oldest = own[0];
    if (oldest !== undefined && own.length >= LIMITS.openBatchesPerCaller) {
      this.forget(oldest);
      onDropped('caller');
    }
    if (this.#open.size < LIMITS.openBatches) return true;
    onDropped('total');
    return false;
  }

  #weigh(grown: OpenBatch): void {
    const sum = (batches: readonly OpenBatch[]): number => batches.reduce((bytes, one) => bytes + one.bytes, 0);
    const all = this.all();
    const own = all.filter(({ begun }) => begun.caller === grown.begun.caller);
    if (sum(own) <= LIMITS.openBatchBytesPerCaller && sum(all) <= LIMITS.openBatchBytes) return;
    this.forget(grown);
    this.#deps.onDropped('bytes');
  }

  /** A sign of who leads one. */
  takeSign({ data, subject }: { readonly data: Uint8Array; readonly subject: string }): void {
    const one = this.#bySign.get(subject);
    if (one === undefined) return;
    const hasLeft = Buffer.from(data).toString() === LEFT;
    one.heardAt = hasLeft ? -Infinity : this.#deps.clock.monotonic();
  }

  /** Undefined for what nobody may say here: also of a caller who was revoked since. */
  #read(stored: HistoryMessage): JobFrame | undefined {
    const { subjects, trust } = this.#deps;
    try {
      return openFrame(stored, { subjects, fleetId: trust.fleetId, credentials: trust });
    } catch (error) {
      if (error instanceof FleetError) return undefined;
      throw error;
    }
  }
}
