/** Waiting for a named condition: what tests do instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Completes "waited 10 s for …". */
  readonly what: string;
  /** @default 10 seconds: far beyond what anything takes, also on a busy machine */
  readonly timeoutMs?: number;
  /** @default 20 */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

type Falsy = undefined | null | false | 0 | '';

/**
 * Asks until the answer is neither undefined nor false, and returns it. A condition that throws isn't met yet.
 *
 * @throws Error that says what was waited for, and the last answer or error.
 */
export async function waitFor<T>(
  condition: () => T | Falsy | Promise<T | Falsy>,
  options: WaitOptions,
): Promise<Exclude<T, Falsy>> {
  const { what, timeoutMs = 10_000, everyMs = 20, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask(condition);
    if (answer.met) return answer.value as Exclude<T, Falsy>;
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutMs / 1000} s for ${what}; last: ${answer.seen}`, { cause: answer.cause });
    }
    await delay(everyMs, undefined, signal && { signal });
  }
}

type Answer = { met: true; value: unknown } | { met: false; seen: string; cause?: unknown };

async function ask(condition: () => unknown): Promise<Answer> {
  try {
    const value = await condition();
    return value ? { met: true, value } : { met: false, seen: JSON.stringify(value) ?? 'undefined' };
  } catch (error) {
    return { met: false, seen: String(error), cause: error };
  }
}
