/** Totals over all nodes of `ps` and `kill`, for the last line of their tables. */
import type { NodeResult } from '../report.ts';
import { listOf, numberOf, readSignalled, recordOf } from './read-data.ts';

export interface ProcessCounts {
  processes: number;
  /** Nodes that have at least one of them. */
  nodes: number;
}

export function countProcesses(results: Iterable<NodeResult>): ProcessCounts {
  const counts: ProcessCounts = { processes: 0, nodes: 0 };
  for (const result of results) {
    const count = processCountOf(result) ?? 0;
    counts.processes += count;
    if (count > 0) counts.nodes += 1;
  }
  return counts;
}

/** What one node counted; null when it didn't. */
export function processCountOf(result: NodeResult): number | null {
  const data = recordOf(result.data);
  return numberOf(data.count) ?? (Array.isArray(data.processes) ? listOf(data.processes).length : null);
}

export interface SignalCounts {
  signalled: number;
  gone: number;
  remaining: number;
  spared: number;
}

export function countSignalled(results: Iterable<NodeResult>): SignalCounts {
  const counts: SignalCounts = { signalled: 0, gone: 0, remaining: 0, spared: 0 };
  for (const result of results) {
    const lists = readSignalled(result);
    counts.signalled += lists.signalled.length;
    counts.gone += lists.gone.length;
    counts.remaining += lists.remaining.length;
    counts.spared += lists.spared.length;
  }
  return counts;
}
