/** A yes at the terminal. */
import { InterruptedError } from '../shared/errors.ts';
import type { App } from './app.ts';

/**
 * Anything but y or yes is a no; so is the end of the input.
 * @throws InterruptedError at Ctrl-C, which a terminal that asks gets as a key, and not as a signal
 */
export async function confirm(question: string, app: Pick<App, 'stdin' | 'stderr' | 'interrupt'>): Promise<boolean> {
  // Loaded for who is asked: most commands ask nothing.
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: app.stdin, output: app.stderr });
  const key = new AbortController();
  terminal.on('SIGINT', () => key.abort());
  const signal = AbortSignal.any([app.interrupt, key.signal]);
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    app.stderr.write('\n');
    if (signal.aborted) throw new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
    return false;
  } finally {
    terminal.close();
  }
}
