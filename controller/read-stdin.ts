/** Standard input as text, in bounded size. */
import { UsageError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { App } from './app.ts';

/** @throws UsageError `input-too-large` */
export async function readStdin({ stdin }: Pick<App, 'stdin'>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk as Uint8Array);
    bytes += part.length;
    if (bytes > LIMITS.envelopeBytes)
      throw new UsageError(`standard input is larger than ${LIMITS.envelopeBytes} bytes`, {
        code: 'input-too-large',
        hint: 'Put it into a file that the nodes can reach.',
      });
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}
