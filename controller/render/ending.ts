/** How a node ended, in words: where a table has nothing else to show for it. */
import type { NodeResult } from '../report.ts';
import type { PaintedCell } from './columns.ts';
import { paintOfState, type Look } from './look.ts';
import { visibleLine } from './visible.ts';

/** `unreachable: no acknowledgement within 2 s` */
function endingText({ state, reason }: Pick<NodeResult, 'state' | 'reason'>): string {
  return reason === null || reason === '' ? state : `${state}: ${visibleLine(reason)}`;
}

export function endingCell(result: NodeResult, look: Look): PaintedCell {
  return { text: endingText(result), paint: paintOfState(look.paint, result.state) };
}
