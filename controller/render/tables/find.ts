/** `fleet find`: names, one a line, ready for a pipe. Who could not be asked is said on stderr. */
import type { Report } from '../../report.ts';
import { inOrder } from '../document.ts';
import { visibleLine } from '../visible.ts';

export function findTable(report: Report): string[] {
  return inOrder(report.nodes)
    .filter(({ state }) => state === 'ok')
    .map(({ node }) => visibleLine(node));
}
