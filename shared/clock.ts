/** Time, handed in: nothing below `main.ts` reads the system's clock by itself. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For what is written down and compared between machines. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
