/** Nodes that nobody waits for any more: they have no final state yet, and are never counted as if they had. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { OpenNode, Report } from '../report.ts';
import { nodeCount } from './node-names.ts';

/** For a report; nothing where every node has its state. */
export const openOf = (open: readonly OpenNode[] | undefined): Pick<Report, 'open'> =>
  open === undefined || open.length === 0 ? {} : { open: open.toSorted((a, b) => compareNatural(a.node, b.node)) };

/** `1 still running`, `3 still to come` */
export function openCounts({ command, open = [] }: Pick<Report, 'command' | 'open'>): string[] {
  // Nobody who stops to watch a log asks how it ended.
  if (command === 'logs') return open.length === 0 ? [] : [`${nodeCount(open.length)} not watched any more`];
  const count = (wanted: OpenNode['is']): number => open.filter(({ is }) => is === wanted).length;
  const [running, toCome] = [count('running'), count('to-come')];
  return [...(running === 0 ? [] : [`${running} still running`]), ...(toCome === 0 ? [] : [`${toCome} still to come`])];
}

interface OpenGroup {
  readonly nodes: string[];
  readonly is: string;
  readonly reason: string;
}

/** Those that are alike together: who, what is known of them, and why no more is. */
export function openGroups({ command, open = [] }: Pick<Report, 'command' | 'open'>): OpenGroup[] {
  if (command === 'logs') return [];
  const groups = new Map<string, OpenGroup>();
  for (const { node, is, reason } of open) {
    const group = groups.get(`${is} ${reason}`) ?? { nodes: [], is: is === 'running' ? 'running' : 'to come', reason };
    group.nodes.push(node);
    groups.set(`${is} ${reason}`, group);
  }
  return [...groups.values()];
}
