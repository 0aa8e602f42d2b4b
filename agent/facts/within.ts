/** Waits for work, but no longer than a bound, nor than the caller is interested. What is waited for goes on either way. */
import type { Scheduler } from './scheduler.ts';

export async function within(
  work: Promise<unknown>,
  limitMs: number,
  scheduler: Scheduler,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted === true) return;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const cancel = scheduler.after(limitMs, end);
  signal?.addEventListener('abort', end, { once: true });
  try {
    await Promise.race([work, ended]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', end);
  }
}
