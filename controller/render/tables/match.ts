/** `fleet match`: true or false, and with `--explain` which predicate decided. */
import type { MatchReport } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import type { Look } from '../look.ts';
import { valueText } from '../values.ts';
import { visibleLine } from '../visible.ts';

export function matchTable(report: MatchReport, look: Look): string[] {
  const { paint } = look;
  const rows = (report.explain ?? []).map(({ predicate, holds, found }): Cell[] => [
    holds === null ? 'unknown' : { text: String(holds), paint: holds ? paint.good : paint.bad },
    visibleLine(predicate),
    `the fact is ${valueText(found)}`,
  ]);
  const columns = [{ title: '' }, { title: '' }, { title: '' }];
  return [String(report.matches), ...alignColumns(columns, rows, { fit: look.fit, indent: 2 })];
}
