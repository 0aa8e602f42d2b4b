/**
 * How long one question may have the processor: others have their turn in between, and it's given up when it takes more
 * time in all than a question is worth.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';

/** How long it has the processor, before others have their turn. */
const TURN_MS = 10;

export class WorkPace {
  readonly #clock: Clock;
  readonly #started: number;
  #turnSince: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.monotonic();
    this.#turnSince = this.#started;
  }

  /**
   * Call it for each thing of which there may be many; what it returns, if anything, is to be waited for.
   * @throws RefusedError `too-costly`
   */
  step(): Promise<void> | undefined {
    const now = this.#clock.monotonic();
    if (now - this.#started > LIMITS.serviceWorkMs) throw tooCostly('it takes too long to find out');
    return now - this.#turnSince > TURN_MS ? this.#turn() : undefined;
  }

  async #turn(): Promise<void> {
    await turn();
    this.#turnSince = this.#clock.monotonic();
  }
}

export const tooCostly = (reason: string): RefusedError => new RefusedError(reason, { code: 'too-costly' });
