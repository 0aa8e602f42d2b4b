/**
 * When has a reader seen the newest entry of every subject? Entries are delivered in the order they were stored; one that
 * is replaced before its turn comes later instead. What the server says is still to come (`pending`) can't be relied on:
 * on nats-server 2.9 it's off where an entry was replaced at the wrong moment. How many subjects there were when the
 * reader began is known, though, and that many have to come.
 */
import type { Clock } from './clock.ts';

/** What the reply subject of a delivery says (`$JS.ACK.<stream>.<consumer>.<tries>.<seq>.<number>.<time>.<pending>`). */
export interface Delivery {
  /** Its number in the stream. */
  readonly sequence: number;
  /** Counts this consumer's deliveries from 1. */
  readonly number: number;
  /** When it was stored, by the server's clock, in milliseconds since the epoch. */
  readonly storedAt: number;
}

export function parseDelivery(reply: string | undefined): Delivery {
  const tokens = reply?.split('.') ?? [];
  return {
    sequence: Number(tokens.at(-4)),
    number: Number(tokens.at(-3)),
    storedAt: Number(tokens.at(-2)) / 1e6,
  };
}

/** How far behind the server a reader that has caught up may be. */
const CATCH_UP_MARGIN_MS = 200;

export class ReadProgress {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #createdAt = Infinity;
  #expected = Infinity;
  #caughtUpAt = Infinity;
  #count = 0;

  /** Made before the consumer is asked for. */
  constructor(dependencies: { clock: Clock }) {
    this.#clock = dependencies.clock;
    this.#startedAt = dependencies.clock.monotonic();
  }

  /** The server made the consumer at this time of its own clock, with so many subjects to come in all. */
  created(at: number, subjects: number): void {
    this.#createdAt = at;
    this.#expected = subjects;
  }

  /** Whether every subject that was there at the beginning has come. @param subjects how many different ones have */
  hasAll(subjects: number): boolean {
    return subjects >= this.#expected;
  }

  /**
   * One more has come. What was stored after the reader had caught up is an end, too, in case a subject was taken away:
   * whatever was replaced before that has come, unless it's written more often than the server takes to deliver.
   * @returns `gap` when a delivery is missing
   */
  delivered(
    { number, storedAt }: Pick<Delivery, 'number' | 'storedAt'>,
    subjects: number,
  ): 'more' | 'complete' | 'gap' {
    this.#count++;
    if (number !== this.#count) return 'gap';
    if (this.hasAll(subjects) || storedAt > this.#caughtUpAt) return 'complete';
    if (storedAt > this.#createdAt && this.#caughtUpAt === Infinity)
      this.#caughtUpAt = this.#createdAt + (this.#clock.monotonic() - this.#startedAt) + CATCH_UP_MARGIN_MS;
    return 'more';
  }

  /** The server has nothing to send after this many deliveries: complete when they all have come. */
  isIdleAfter(delivered: number): boolean {
    return delivered === this.#count;
  }
}
