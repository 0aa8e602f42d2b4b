/**
 * The lines of a trail file: a checksum, what the line is, and its bytes in base 64. Appended only. A last line that was
 * never finished is what a crash leaves, and is told from one that was changed.
 */
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { bytesOf } from '../wire/signed-bytes.ts';
import { CHAIN_BYTES } from '../wire/audit.ts';

/** What the first line of a file says: where in which chain it begins, and what the bus had by then. */
export const TrailHead = z.object({
  version: z.literal(1),
  chain: bytesOf(CHAIN_BYTES),
  /** `seq` of the first record that follows. */
  first: z.number().int().positive(),
  prev: bytesOf(32),
  prevAt: z.number().int().optional(),
  /** `seq` of the last record of this chain that the bus has. */
  confirmed: z.number().int().nonnegative(),
});
export type TrailHead = z.infer<typeof TrailHead>;

export type TrailLine =
  | { readonly kind: 'head'; readonly head: TrailHead }
  | { readonly kind: 'record'; readonly bytes: Uint8Array }
  /** A signed batch without its records, which stand above it. */
  | { readonly kind: 'batch'; readonly envelope: Uint8Array }
  | { readonly kind: 'confirmed'; readonly seq: number };

const LETTERS = { head: 'h', record: 'r', batch: 'b', confirmed: 'c' } as const;

export function formatTrailLine(line: TrailLine): string {
  const text = `${LETTERS[line.kind]} ${Buffer.from(bytesOfLine(line)).toString('base64')}`;
  return `${checksum(text)} ${text}\n`;
}

function bytesOfLine(line: TrailLine): Uint8Array {
  if (line.kind === 'record') return line.bytes;
  if (line.kind === 'batch') return line.envelope;
  return encode(line.kind === 'head' ? line.head : line.seq);
}

export interface TrailContent {
  readonly lines: readonly TrailLine[];
  /** Bytes of the file up to the end of the last whole line. */
  readonly goodBytes: number;
  /** Number of the first line that isn't what was written, while a later one is. */
  readonly damagedLine: number | undefined;
}

/** Reads a file's text. What a crash left behind its last whole line is left out. */
export function parseTrail(text: string): TrailContent {
  const lines: TrailLine[] = [];
  let goodBytes = 0;
  let firstBad: number | undefined;
  let damagedLine: number | undefined;
  let at = 0;
  for (let number = 1; at < text.length; number++) {
    const end = text.indexOf('\n', at);
    const line = end < 0 ? undefined : parseTrailLine(text.slice(at, end));
    at = end < 0 ? text.length : end + 1;
    if (line === undefined) {
      firstBad ??= number;
      continue;
    }
    // Something whole behind it: no crash did that.
    damagedLine ??= firstBad;
    if (damagedLine === undefined) goodBytes = at;
    lines.push(line);
  }
  return { lines, goodBytes, damagedLine };
}

function parseTrailLine(line: string): TrailLine | undefined {
  const text = line.slice(9);
  if (line[8] !== ' ' || text[1] !== ' ' || line.slice(0, 8) !== checksum(text)) return undefined;
  const bytes = new Uint8Array(Buffer.from(text.slice(2), 'base64'));
  try {
    switch (text[0]) {
      case LETTERS.record:
        return { kind: 'record', bytes };
      case LETTERS.batch:
        return { kind: 'batch', envelope: bytes };
      case LETTERS.head: {
        const { data } = TrailHead.safeParse(decode(bytes));
        return data === undefined ? undefined : { kind: 'head', head: data };
      }
      case LETTERS.confirmed: {
        const seq = decode(bytes);
        return typeof seq === 'number' ? { kind: 'confirmed', seq } : undefined;
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');
