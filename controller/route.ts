/**
 * How a command that is for whoever matches reaches them: on the subject of a fact that all of them have, where that wakes
 * few others. Pure; resolve.ts says who is expected, plan.ts decides whether to send it that way.
 */
import type { Expression } from '../shared/where/expression.ts';
import { indexedTexts } from '../shared/where/index-terms.ts';
import { equalityTerms } from '../shared/where/terms.ts';
import type { InventoryBody } from '../shared/wire/inventory.ts';

export interface FactRoute {
  /** Canonical path. */
  readonly fact: string;
  readonly value: string;
  /** Nodes that listen there, as far as is known: the expected, and those that it wakes for nothing. */
  readonly wakes: number;
}

/** What is known of where a node listens. */
export type Listener = Pick<InventoryBody, 'facts' | 'indexed'>;

/** The most selective one; undefined where no equality has to hold, or some expected node doesn't listen for it. */
export function findRoute(
  where: Expression,
  expected: readonly string[],
  fleet: { readonly names: readonly string[]; readonly entries: Pick<ReadonlyMap<string, Listener>, 'get'> },
): FactRoute | undefined {
  const routes = equalityTerms(where).flatMap(({ path, value }): FactRoute[] => {
    const listens = (node: Listener | undefined): boolean =>
      node?.indexed?.includes(path) === true && indexedTexts(node.facts, path).includes(value);
    const isThere = (name: string): boolean => listens(fleet.entries.get(name));
    if (!expected.every(isThere)) return [];
    return [{ fact: path, value, wakes: fleet.names.filter(isThere).length }];
  });
  return routes.toSorted((a, b) => a.wakes - b.wakes)[0];
}
