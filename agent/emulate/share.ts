/** What a seed says of a node: the same number for the same seed, node and question, whoever asks and in whatever order. */
import { createHash } from 'node:crypto';

const BYTES = 6;

/** From 0 up to but not 1. */
export function shareOf(seed: string, ...what: readonly string[]): number {
  const hash = createHash('sha256')
    .update([seed, ...what].join('\0'), 'utf8')
    .digest();
  return hash.readUIntBE(0, BYTES) / 2 ** (8 * BYTES);
}

/** From `low` to `high`, both included. */
export function between(low: number, high: number, share: number): number {
  return Math.min(high, low + Math.floor(share * (high - low + 1)));
}
