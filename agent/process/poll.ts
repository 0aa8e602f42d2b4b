/** Asks again and again, at growing intervals: /proc tells nobody when a process ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';

const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 100;

export interface PollLimits {
  readonly withinMs: number;
  readonly clock: Clock;
  /** Ends the waiting early; the answer is then what holds at that moment. */
  readonly signal?: AbortSignal;
}

/** Whether `holds` became true in time. It's asked at least once, and a last time at the end. */
export async function pollUntil(holds: () => boolean | Promise<boolean>, limits: PollLimits): Promise<boolean> {
  const end = limits.clock.monotonic() + limits.withinMs;
  let pause = FIRST_PAUSE_MS;
  while (!(await holds())) {
    const left = end - limits.clock.monotonic();
    if (left <= 0 || limits.signal?.aborted) return false;
    await delay(Math.min(pause, left), undefined, { signal: limits.signal }).catch(() => undefined);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return true;
}
