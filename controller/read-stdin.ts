/** Standard input as UTF-8 text, in bounded size. */
import { UsageError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { App } from './app.ts';

/** @throws UsageError `input-too-large` `bad-input` */
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
  return textOf(Buffer.concat(chunks));
}

/** Other bytes would arrive as other ones: better not at all. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError('standard input is not UTF-8 text', {
      code: 'bad-input',
      hint: 'Send it as text (base64, for one), or put it into a file that the nodes can reach.',
      cause,
    });
  }
}
