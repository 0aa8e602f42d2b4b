/**
 * Which values a fact has across the fleet, counted as answers arrive. Keeps one copy of each value and the names of the
 * nodes that have it. The order of the result is fixed: most common first, then natural, missing last among equals.
 */
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { FactCount, NodeResult } from '../report.ts';
import { canonicalText } from './canonical.ts';
import { fieldOf, recordOf } from './read-data.ts';

export interface Distribution {
  /** Counts a node that ended `ok`; any other has said nothing about its facts. */
  add(result: NodeResult): void;
  /** What `Report.facts` holds, paths in the order they were given. */
  counts(): Record<string, FactCount[]>;
}

interface Bucket {
  readonly value: unknown;
  readonly nodes: string[];
}

export function createDistribution(paths: readonly string[]): Distribution {
  const buckets = new Map(paths.map((path) => [path, new Map<string, Bucket>()]));

  return {
    add(result) {
      if (result.state !== 'ok') return;
      const values = recordOf(result.data);
      for (const [path, byValue] of buckets) {
        const value = fieldOf(values, path) ?? null;
        const key = canonicalText(value);
        const bucket = byValue.get(key);
        if (bucket === undefined) byValue.set(key, { value, nodes: [result.node] });
        else bucket.nodes.push(result.node);
      }
    },
    counts() {
      return Object.fromEntries([...buckets].map(([path, byValue]) => [path, ordered(byValue.values())]));
    },
  };
}

function ordered(buckets: Iterable<Bucket>): FactCount[] {
  return [...buckets]
    .map(({ value, nodes }) => ({
      value,
      count: nodes.length,
      nodes: nodes.toSorted(compareNatural),
      text: textOf(value),
    }))
    .toSorted((a, b) => b.count - a.count || missingLast(a.value, b.value) || compareNatural(a.text, b.text))
    .map(({ value, count, nodes }) => ({ value, count, nodes }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : canonicalText(value);
}

function missingLast(a: unknown, b: unknown): number {
  return Number(a === null) - Number(b === null);
}
