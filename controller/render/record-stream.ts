/**
 * Records as they are found, in the format that was asked for, in bounded memory: a table in pages, each aligned in
 * itself; JSON as one document that is written piece by piece. Waits for who reads it.
 */
import type { Writable } from 'node:stream';
import type { PlainRecord } from '../audit/plain-record.ts';
import { canonicalText } from '../aggregate/canonical.ts';
import { RECORD_TITLES, recordRow } from './audit-words.ts';
import { alignColumns } from './columns.ts';
import { jsonText } from './json.ts';
import type { Look } from './look.ts';
import { visibleLine } from './visible.ts';
import { createWriter } from './writer.ts';

export const RECORD_FORMATS = ['table', 'json', 'ndjson', 'csv'] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

export interface RecordStreamOptions {
  readonly format: RecordFormat;
  readonly stdout: Writable;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  readonly look: Look;
  /** What documents say beside the records. */
  readonly head: Readonly<Record<string, unknown>>;
}

export interface RecordStream {
  write(record: PlainRecord): Promise<void>;
  /** Writes the rest. @throws OutputError */
  end(tail: Readonly<Record<string, unknown>>): Promise<void>;
  /** Aborted when nobody reads any more. */
  readonly closed: AbortSignal;
}

const PAGE = 500;
const CSV_FIELDS = [
  'at', 'writer', 'kind', 'event', 'caller', 'job', 'action', 'task', 'decision', 'rule', 'state', 'code', 'exit', 'ms',
  'args', 'sealed', 'dryRun', 'target', 'approvers', 'serial', 'id', 'expected', 'states', 'times', 'details', 'chain',
  'record', 'verified',
] as const satisfies readonly (keyof PlainRecord)[]; // prettier-ignore

export function createRecordStream({ format, head, isTerminal, look, stdout }: RecordStreamOptions): RecordStream {
  const writer = createWriter(stdout);
  let page: PlainRecord[] = [];
  let count = 0;

  function tablePage(): string {
    const titles = count > page.length ? [] : [[...RECORD_TITLES]];
    const columns = RECORD_TITLES.map(() => ({ title: '' }));
    const lines = alignColumns(columns, [...titles, ...page.map((record) => recordRow(record, look))], {
      fit: look.fit,
    });
    return lines.map((line) => `${line}\n`).join('');
  }

  function pageText(): string {
    switch (format) {
      case 'table':
        return page.length === 0 ? '' : tablePage();
      case 'ndjson':
        return page.map((record) => `${jsonText({ type: 'record', ...record })}\n`).join('');
      case 'csv': {
        const rows = page.map((record) => CSV_FIELDS.map((field) => csvField(record[field], isTerminal)).join(','));
        return [...(count > page.length ? [] : [CSV_FIELDS.join(',')]), ...rows].map((row) => `${row}\r\n`).join('');
      }
      case 'json':
        return page
          .map((record, at) => `${at === 0 && count === page.length ? '' : ','}\n    ${jsonText(record)}`)
          .join('');
    }
  }

  async function turn(): Promise<void> {
    writer.write(pageText());
    page = [];
    await writer.flush();
  }

  if (format === 'json') writer.write(`${jsonText({ version: 1, ...head }, 2).slice(0, -2)},\n  "records": [`);
  return {
    closed: writer.closed,
    async write(record) {
      page.push(record);
      count++;
      if (page.length === PAGE) await turn();
    },
    async end(tail) {
      await turn();
      if (format === 'json') writer.write(`\n  ],${jsonText({ found: count, ...tail }, 2).slice(1)}\n`);
      if (format === 'ndjson')
        writer.write(`${jsonText({ type: 'summary', version: 1, ...head, found: count, ...tail })}\n`);
      await writer.flush();
    },
  };
}

function csvField(value: unknown, isTerminal: boolean): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : canonicalText(value);
  const shown = isTerminal ? visibleLine(text) : text;
  return /[",\r\n]|^\s|\s$/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
