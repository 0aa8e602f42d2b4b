/** A secret typed at the terminal: nothing of it is shown, and nothing kept. */
import { Writable } from 'node:stream';
import { InterruptedError } from '../shared/errors.ts';
import type { App } from './app.ts';

/** @throws InterruptedError at Ctrl-C or the end of the input, which a terminal that asks gets as keys */
export async function askSecret(what: string, app: Pick<App, 'stdin' | 'stderr' | 'interrupt'>): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: app.stdin, output: unseen, terminal: true, historySize: 0 });
  const given = new AbortController();
  terminal.once('SIGINT', () => given.abort());
  terminal.once('close', () => given.abort());
  const signal = AbortSignal.any([app.interrupt, given.signal]);
  app.stderr.write(`${what} (not shown): `);
  try {
    return await terminal.question('', { signal });
  } catch {
    throw new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
  } finally {
    terminal.close();
    app.stderr.write('\n');
  }
}
