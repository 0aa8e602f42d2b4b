/** Whether a final result has a stream of its program's output in whole: then nobody waits for pieces of it. */
import { sha256 } from './signing.ts';
import { OUTPUT_STREAMS, type OutputStream, type Result, type StreamDigest } from './wire/result.ts';

/** The stream's bytes, to the byte: text that stands for others, or of which something was left out, isn't them. */
export function wholeOutput(
  { data, streams }: Pick<Result, 'data' | 'streams'>,
  stream: OutputStream,
): Uint8Array | undefined {
  const digest = streams?.[stream];
  if (digest === undefined) return undefined;
  if (digest.bytes === 0) return new Uint8Array();
  const text = (data as Partial<Record<OutputStream, unknown>> | null | undefined)?.[stream];
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text);
  return isOutput(bytes, digest) ? bytes : undefined;
}

/** Both streams. */
export const hasWholeOutput = (result: Pick<Result, 'data' | 'streams'>): boolean =>
  OUTPUT_STREAMS.every((stream) => wholeOutput(result, stream) !== undefined);

const isOutput = (bytes: Uint8Array, digest: StreamDigest): boolean =>
  bytes.length === digest.bytes && Buffer.compare(sha256(bytes), digest.sha256) === 0;
