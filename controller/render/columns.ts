/**
 * Rows to aligned lines, without boxes. A row that is shorter than the others lets its last cell run on over the columns
 * it leaves out, for what has to be said instead of numbers. Cells have been made visible before they come here.
 */
import { cutTo, widthOf } from './width.ts';

export interface Column {
  readonly title: string;
  /** @default 'left' */
  readonly align?: 'left' | 'right';
}

/** A cell with a colour: painted after its width is known. */
export interface PaintedCell {
  readonly text: string;
  readonly paint: (text: string) => string;
}
export type Cell = string | PaintedCell;

export interface Alignment {
  /** Paints the titles. */
  readonly title?: (text: string) => string;
  /** Cells of the terminal; the last cell of a line is cut to fit. Null: whole, for pipes. */
  readonly fit?: number | null;
  /** Spaces before each line. @default 0 */
  readonly indent?: number;
}

const GAP = '  ';
/** Less than this is no text any more: then the line is left to wrap. */
const NARROWEST_LAST_CELL = 12;

export function alignColumns(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  how: Alignment = {},
): string[] {
  if (rows.length === 0) return [];
  const titled = columns.some(({ title }) => title !== '');
  const titles = columns.map(({ title }) => ({ text: title, paint: how.title ?? plain }));
  const all = titled ? [titles, ...rows] : rows;
  const widths = columns.map((_, at) =>
    all.reduce((widest, row) => (runsOn(row, at, columns.length) ? widest : Math.max(widest, cellWidth(row[at]))), 0),
  );
  return all.map((row) => line(row, columns, widths, how));
}

/** The last cell of a row that is too short: it takes the room of the columns behind it. */
function runsOn(row: readonly Cell[], at: number, columns: number): boolean {
  return row.length < columns && at >= row.length - 1;
}

function line(row: readonly Cell[], columns: readonly Column[], widths: readonly number[], how: Alignment): string {
  const indent = ' '.repeat(how.indent ?? 0);
  let used = indent.length;
  const cells = row.map((cell, at) => {
    const { text, paint } = typeof cell === 'string' ? { text: cell, paint: plain } : cell;
    const isLast = at === row.length - 1;
    const width = runsOn(row, at, columns.length) ? 0 : (widths[at] ?? 0);
    const shown = isLast ? fitted(text, how.fit, used) : text;
    const padding = ' '.repeat(Math.max(0, width - widthOf(shown)));
    used += width + GAP.length;
    if (columns[at]?.align === 'right' && width > 0) return padding + paint(shown);
    return isLast ? paint(shown) : paint(shown) + padding;
  });
  return (indent + cells.join(GAP)).trimEnd();
}

function fitted(text: string, fit: number | null | undefined, used: number): string {
  if (fit === null || fit === undefined || fit - used < NARROWEST_LAST_CELL) return text;
  return cutTo(text, fit - used);
}

function cellWidth(cell: Cell | undefined): number {
  if (cell === undefined) return 0;
  return widthOf(typeof cell === 'string' ? cell : cell.text);
}

function plain(text: string): string {
  return text;
}
