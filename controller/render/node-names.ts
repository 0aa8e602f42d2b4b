/** Many node names as one short text: folded, and cut where a line has to fit a terminal. */
import { foldNames } from '../../shared/names/fold.ts';
import { visibleLine } from './visible.ts';
import { widthOf } from './width.ts';

/** @param fit characters to fit into; null for all names, however long that gets */
export function nodeNames(nodes: readonly string[], fit: number | null): string {
  const folded = visibleLine(foldNames(nodes));
  if (fit === null || widthOf(folded) <= fit) return folded;
  const rest = `… (${nodes.length} nodes)`;
  const room = folded.slice(0, Math.max(1, fit - rest.length));
  const comma = room.lastIndexOf(',');
  return `${comma > 0 ? room.slice(0, comma + 1) : room}${rest}`;
}

export function nodeCount(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}

/** What people read of `--online`: who is away, in whole. */
export const awayText = (away: readonly string[]): string =>
  `${away.length === 1 ? '1 away node' : `${away.length} away nodes`} left out: ${nodeNames(away, null)}`;
