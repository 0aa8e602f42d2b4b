/**
 * The jobs that nobody has to lead, and of which nobody has said yet how they ended: from their records as they are
 * written. Batches are elsewhere (open-batches.ts): who leads one says its end, too.
 */
import type { HistoryMessage } from '../../shared/bus.ts';
import type { JobBegun, JobFrame } from '../../shared/wire/job.ts';

export interface OpenJob {
  readonly begun: JobBegun;
  readonly frames: JobFrame[];
  /** When the bus stored its first frame. */
  readonly storedAt: number;
  /** Number in the stream of the last message of its record, whatever that is. */
  sequence: number;
  /** Number of the newest answer when somebody looked last, and since when it is that, on the monotonic clock. */
  newest: number;
  newestSince: number;
  /** What was looked at: up to which answer, and when. */
  readTo: number;
  readAt: number;
}

export class OpenJobs {
  /** By the subject of the record. */
  readonly #open = new Map<string, OpenJob>();

  get size(): number {
    return this.#open.size;
  }

  all(): OpenJob[] {
    return [...this.#open.values()];
  }

  /** @param frame undefined for what isn't anybody's word in it */
  take({ sequence, storedAt, subject }: HistoryMessage, frame: JobFrame | undefined): void {
    const known = this.#open.get(subject);
    if (known !== undefined) {
      known.sequence = sequence;
      if (frame === undefined) return;
      known.frames.push(frame);
      if (frame.type === 'ended') this.#open.delete(subject);
    } else if (frame?.type === 'begun' && frame.batch === undefined)
      this.#open.set(subject, {
        begun: frame,
        frames: [frame],
        storedAt,
        sequence,
        newest: -1,
        newestSince: 0,
        readTo: -1,
        readAt: 0,
      });
  }

  /** Its record is about to go with its age. */
  forget({ begun }: OpenJob): void {
    this.#open.delete(begun.subject);
  }
}
