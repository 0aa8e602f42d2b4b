/** What is said of a batch before it starts: how many nodes can be hurt before it stops, and by what that is so. */
import { worstCase, type BatchRules } from '../batch/rules.ts';
import { nodeCount } from './node-names.ts';

/** `At worst 5 of 40 nodes are hurt before it stops: 1 canary first, then 3 at a time, and 2 failures are tolerated.` */
export function worstCaseText(rules: BatchRules, nodes: number): string {
  return `At worst ${worstCaseCount(rules, nodes)} hurt before it stops: ${waysOf(rules, nodes).join(', ')}.`;
}

/** `5 of 40 nodes are`, `all 40 nodes are` */
export function worstCaseCount(rules: BatchRules, nodes: number): string {
  const worst = worstCase(rules, nodes);
  if (nodes === 1) return 'the only node is';
  return worst === nodes
    ? `all ${nodeCount(nodes)} are`
    : `${worst} of ${nodeCount(nodes)} ${worst === 1 ? 'is' : 'are'}`;
}

function waysOf({ canaries, tolerated, window }: BatchRules, nodes: number): string[] {
  const first = Math.min(canaries, nodes);
  const rest = nodes - first;
  const pace = window >= rest ? 'all at once' : `${window} at a time`;
  const limit =
    tolerated === undefined
      ? 'no --max-failures stops it'
      : // Whoever sets a limit believes that it helps.
        window >= rest && rest > 1
        ? '--max-failures can hold nothing back (--batch would)'
        : `${tolerated === 0 ? 'no failure is' : tolerated === 1 ? '1 failure is' : `${tolerated} failures are`} tolerated`;
  const alone = first > window ? `, ${window} at a time` : '';
  if (first > 0 && rest === 0) return [`${canaryCount(first)} alone${alone}`];
  return [...(first > 0 ? [`${canaryCount(first)} first${alone}`, `then ${pace}`] : [pace]), limit];
}

const canaryCount = (count: number): string => (count === 1 ? '1 canary' : `${count} canaries`);
