/**
 * CSV as RFC 4180 has it: CRLF, quotes where needed, quotes doubled. Values are data and are not changed, also not those
 * that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`): a program that reads them back has to get what the
 * node said, and `-1` is a number. Whoever opens such a file in a spreadsheet imports its columns as text.
 */
import { isAddressed, isList, type AnyReport } from '../report.ts';
import { canonicalText } from '../aggregate/canonical.ts';
import { csvRowsOf } from './csv-rows.ts';
import { csvOffers } from './csv-offers.ts';
import { visibleLine } from './visible.ts';

export type CsvRow = Readonly<Record<string, unknown>>;

export interface CsvSheet {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/** @param onTerminal spells control characters out: exact text is for programs */
export function csvText(report: AnyReport, onTerminal: boolean): string {
  const { columns, rows } = sheetOf(report);
  const lines = [columns, ...rows.map((row) => columns.map((column) => field(row, column)))];
  return lines
    .map((line) => line.map((text) => quoted(onTerminal ? visibleLine(text) : text)).join(',') + '\r\n')
    .join('');
}

function sheetOf(report: AnyReport): CsvSheet {
  if (isList(report)) return { columns: report.fields, rows: report.items };
  return isAddressed(report) ? csvRowsOf(report) : csvOffers(report);
}

function field(row: CsvRow, column: string): string {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : canonicalText(value);
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
