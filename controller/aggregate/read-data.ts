/**
 * Reading what nodes answered without believing its shape. The data of an action has passed its schema on the way in,
 * facts and the answers of other versions have not: whatever is missing reads as empty, and output never throws.
 */
import type { NodeResult } from '../report.ts';

export type Data = Readonly<Record<string, unknown>>;

const EMPTY: Data = Object.freeze({});

export function recordOf(value: unknown): Data {
  return isRecord(value) ? value : EMPTY;
}

export function isRecord(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : '';
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A key of its own, never one of the prototype: facts may be called `constructor`. Null reads as missing. */
export function fieldOf(record: Data, key: string): unknown {
  return Object.hasOwn(record, key) ? (record[key] ?? undefined) : undefined;
}

export interface ReadProcess {
  readonly pid: number | null;
  readonly name: string;
  readonly reason: string;
}

/** What a kill did on one node, list by list. */
export function readSignalled(node: NodeResult): Record<'signalled' | 'gone' | 'remaining' | 'spared', ReadProcess[]> {
  const data = recordOf(node.data);
  const read = (list: unknown): ReadProcess[] =>
    listOf(list).map((item) => {
      const entry = recordOf(item);
      return { pid: numberOf(entry.pid), name: textOf(entry.name), reason: textOf(entry.reason) };
    });
  return {
    signalled: read(data.signalled),
    gone: read(data.gone),
    remaining: read(data.remaining),
    spared: read(data.spared),
  };
}
