/** Any plain list as a table, a line an item; or as the lines that its command has for people. */
import type { ListReport } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import type { Look } from '../look.ts';
import { visibleLine } from '../visible.ts';

export function listTable({ items, lines, table }: ListReport, look: Look): string[] {
  if (lines !== undefined) return lines.map(visibleLine);
  if (items.length === 0) return [];
  const rows = items.map((item) =>
    table.map(({ text, tone }): Cell => {
      const paint = tone?.(item);
      const shown = visibleLine(text(item));
      return paint === undefined ? shown : { text: shown, paint: look.paint[paint] };
    }),
  );
  return alignColumns(
    table.map(({ title }) => ({ title })),
    rows,
    { fit: look.fit },
  );
}
