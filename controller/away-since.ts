/** Since when nodes are away, by the word of a controller service, where there is one. Nothing is decided by it: it's told. */
import { LIMITS } from '../shared/limits.ts';
import { askService, type AskServiceDependencies } from './ask-service.ts';

export interface AwaySince {
  /** By the clock of the bus, in milliseconds since the epoch. */
  readonly since: number;
  /** It was found away at that time, and may have been for longer. */
  readonly isFound: boolean;
}

/** Of these nodes, those of whom a service knows that they are away. */
export async function askAwaySince(
  nodes: readonly string[],
  dependencies: AskServiceDependencies,
): Promise<ReadonlyMap<string, AwaySince>> {
  const known = new Map<string, AwaySince>();
  for (let from = 0; from < nodes.length; from += LIMITS.directNodes) {
    const asked = nodes.slice(from, from + LIMITS.directNodes);
    const answer = await askService({ type: 'presence', nodes: asked }, 'presence', dependencies);
    if (answer === undefined) return known;
    for (const { isFound, isThere, node, since } of answer.nodes)
      if (!isThere && asked.includes(node)) known.set(node, { since, isFound: isFound === true });
  }
  return known;
}
