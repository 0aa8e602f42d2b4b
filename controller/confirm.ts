/** A yes at the terminal. */
import { createInterface } from 'node:readline/promises';
import type { App } from './app.ts';

/** Anything but y or yes is a no; so is the end of the input. */
export async function confirm(question: string, app: Pick<App, 'stdin' | 'stderr' | 'interrupt'>): Promise<boolean> {
  const terminal = createInterface({ input: app.stdin, output: app.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: app.interrupt });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
