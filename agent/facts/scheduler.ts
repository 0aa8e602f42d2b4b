/** Timers, handed in so that tests decide when time passes. */

export interface Scheduler {
  /** Calls once, unless cancelled by what it returns. Never keeps the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemScheduler: Scheduler = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
