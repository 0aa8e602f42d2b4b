/** What is waited for before anything is sent ends with an interrupt; the command then ends with what the signal says. */

import { InterruptedError } from '../shared/errors.ts';
/** The work's value. @throws the signal's reason, when it aborts first: the work itself goes on unheeded. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Before anything is sent. @throws InterruptedError */
export function assertWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
}
