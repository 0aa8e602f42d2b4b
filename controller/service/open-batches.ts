/**
 * The batches that have not ended, from the records of jobs as they are written, and when somebody was last heard of who
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
  /** Number in the stream of the last message of its record, whatever that is. */
  sequence: number;
  /** On the monotonic clock: of who leads it. */
  heardAt: number;
}

export interface OpenBatchesDependencies {
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
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

  /** Whether it has not ended. */
  has({ begun }: OpenBatch): boolean {
    return this.#open.has(begun.subject);
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
      if (frame.type !== 'begun' || frame.batch === undefined) return;
      const one = { begun: frame, frames: [{ frame, storedAt }], sequence, heardAt: clock.monotonic() };
      this.#open.set(subject, one);
      this.#bySign.set(subjects.lead(frame.caller, frame.job), one);
      return;
    }
    known.heardAt = clock.monotonic();
    known.frames.push({ frame, storedAt });
    if (frame.type !== 'ended') return;
    this.#open.delete(subject);
    this.#bySign.delete(subjects.lead(frame.caller, frame.job));
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
