/** A clock that stands still until a test moves it. */
import type { Clock } from '../../shared/clock.ts';

/** When tests and vectors take place: 2026-01-15 12:00 UTC. */
export const NOW = Date.UTC(2026, 0, 15, 12);

export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0;

  constructor(now = NOW) {
    this.#now = now;
  }

  now = (): number => this.#now;
  monotonic = (): number => this.#monotonic;

  advance(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }

  /** The wall clock jumps; the monotonic one doesn't. */
  setTo(now: number): void {
    this.#now = now;
  }
}
