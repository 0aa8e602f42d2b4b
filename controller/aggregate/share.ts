/**
 * Ten thousand nodes that print the same keep one copy of it. The collecting code passes every result through before it
 * holds on to it; texts that differ are kept as they are.
 */
import type { NodeResult } from '../report.ts';
import { isRecord } from './read-data.ts';

/** Shorter texts cost less than the entry that would share them. */
const WORTH_SHARING_CHARACTERS = 64;

export function createSharing(): (result: NodeResult) => NodeResult {
  const kept = new Map<string, string>();

  function shared(value: unknown): unknown {
    if (typeof value !== 'string' || value.length < WORTH_SHARING_CHARACTERS) return value;
    const first = kept.get(value);
    if (first !== undefined) return first;
    kept.set(value, value);
    return value;
  }

  return (result) => {
    if (!isRecord(result.data)) return result;
    const data = Object.fromEntries(Object.entries(result.data).map(([key, value]) => [key, shared(value)]));
    return { ...result, data };
  };
}
