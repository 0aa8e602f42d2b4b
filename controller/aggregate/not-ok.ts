/** Nodes that did not end `ok`, those with the same state and reason together: the last lines of every command. */
import { FINAL_STATES, type FinalState } from '../../shared/states.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { NodeResult } from '../report.ts';

export interface NotOk {
  readonly state: FinalState;
  readonly reason: string | null;
  readonly code: string | undefined;
  readonly nodes: readonly string[];
}

/** In the order of the states' table, the largest first within a state. */
export function notOkOf(results: Iterable<NodeResult>): NotOk[] {
  const byKey = new Map<string, NotOk & { nodes: string[] }>();
  for (const { node, state, reason, code } of results) {
    if (state === 'ok') continue;
    const key = JSON.stringify([state, reason, code]);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { state, reason, code, nodes: [node] });
    else known.nodes.push(node);
  }
  return [...byKey.values()]
    .map((entry) => ({ ...entry, nodes: entry.nodes.toSorted(compareNatural) }))
    .toSorted(
      (a, b) =>
        FINAL_STATES.indexOf(a.state) - FINAL_STATES.indexOf(b.state) ||
        b.nodes.length - a.nodes.length ||
        compareNatural(a.nodes[0] ?? '', b.nodes[0] ?? ''),
    );
}
