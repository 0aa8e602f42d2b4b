/** `fleet job cancel`: what a job was doing on each node when it was told to stop, and how it ended there. */
import { fieldOf, listOf, recordOf, textOf } from '../../aggregate/read-data.ts';
import type { NodeResult, Report } from '../../report.ts';
import { alignColumns, type Cell, type Column } from '../columns.ts';
import { inOrder } from '../document.ts';
import { endingCell } from '../ending.ts';
import { paintOfState, type Look } from '../look.ts';
import { visibleLine } from '../visible.ts';
import { FINAL_STATES, type FinalState } from '../../../shared/states.ts';

export function cancelTable(report: Report, look: Look): string[] {
  const rows = inOrder(report.nodes).map((result) => row(result, look));
  return alignColumns(COLUMNS, rows, { title: look.paint.faint, fit: look.fit });
}

const COLUMNS: readonly Column[] = [{ title: 'NODE' }, { title: 'WAS' }, { title: 'ENDED' }, { title: '' }];

/** What the last command of the job was doing on a node; of most, there is but one. */
export function fateOf({ data }: NodeResult): { readonly was: string; readonly ended: string; readonly code: string } {
  const last = recordOf(listOf(fieldOf(recordOf(data), 'commands')).at(-1));
  const text = (key: string): string => textOf(fieldOf(last, key));
  return { was: text('was').replace('-', ' '), ended: text('state'), code: text('code') };
}

function row(result: NodeResult, look: Look): Cell[] {
  const { was, ended, code } = fateOf(result);
  const note: Cell = result.state === 'ok' ? (code === ended ? '' : visibleLine(code)) : endingCell(result, look);
  return [visibleLine(result.node), visibleLine(was), { text: visibleLine(ended), paint: paintOf(ended, look) }, note];
}

function paintOf(ended: string, { paint }: Look): (text: string) => string {
  const state = FINAL_STATES.find((known): known is FinalState => known === ended);
  return state === undefined ? (text) => text : paintOfState(paint, state);
}
