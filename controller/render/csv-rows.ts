/** Which columns the CSV of each addressed command has. Every node has at least one row; lists get a row an item. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import { processCountOf } from '../aggregate/process-counts.ts';
import { fieldOf, isRecord, listOf, readSignalled, recordOf } from '../aggregate/read-data.ts';
import type { NodeResult, Report } from '../report.ts';
import type { CsvRow, CsvSheet } from './csv.ts';
import { inOrder } from './document.ts';
import { fateOf } from './tables/cancel.ts';
import { outcomesOf } from './tables/kill.ts';

const NODE = ['node', 'state', 'code', 'reason'];

export function csvRowsOf(report: Report): CsvSheet {
  const { columns, rows } = endedRows(report);
  // Who has no state has none here, either.
  return {
    columns,
    rows: [...rows, ...(report.open ?? []).map(({ node, is, reason }) => ({ node, code: is, reason }))],
  };
}

function endedRows(report: Report): CsvSheet {
  const nodes = inOrder(report.nodes);
  switch (report.command) {
    case 'find':
      return { columns: NODE, rows: nodes.map(nodeRow) };
    case 'ping':
      return { columns: [...NODE, 'ms'], rows: nodes.map(nodeRow) };
    case 'facts':
      return factSheet(nodes, report.facts === undefined ? null : Object.keys(report.facts));
    case 'inventory':
      return factSheet(nodes, null);
    case 'exec':
    case 'logs':
    case 'run':
      return programSheet(nodes);
    case 'ps':
      return report.expect === undefined ? processSheet(nodes) : countSheet(nodes);
    case 'kill':
      return signalSheet(nodes, report.dryRun === true);
    case 'job cancel':
      return {
        columns: [...NODE, 'was', 'ended'],
        rows: nodes.map((result) => ({ ...nodeRow(result), was: fateOf(result).was, ended: fateOf(result).ended })),
      };
  }
}

function nodeRow({ node, state, code, reason, ms }: NodeResult): CsvRow {
  return { node, state, code, reason, ms };
}

/** A column a path; without paths, one for each leaf that any of the nodes has. */
function factSheet(nodes: readonly NodeResult[], paths: readonly string[] | null): CsvSheet {
  const values = nodes.map(({ data }) => (paths === null ? leaves(data) : recordOf(data)));
  const found = paths ?? [...new Set(values.flatMap((row) => Object.keys(row)))].toSorted(compareNatural);
  const rows = nodes.map((result, at) => {
    const facts = found.map((path) => [factColumn(path), fieldOf(values[at] ?? {}, path)] as const);
    return { ...Object.fromEntries(facts), ...nodeRow(result) };
  });
  return { columns: [...NODE, 'ms', ...found.map(factColumn)], rows };
}

/** A fact may be called as one of the columns that every node has. */
function factColumn(path: string): string {
  return NODE.includes(path) || path === 'ms' ? `fact ${path}` : path;
}

function leaves(data: unknown, prefix = '', into: Record<string, unknown> = {}): CsvRow {
  for (const [key, value] of Object.entries(recordOf(data))) {
    const path = prefix + (key.includes('.') ? JSON.stringify(key) : key);
    if (isRecord(value)) leaves(value, `${path}.`, into);
    else Object.defineProperty(into, path, { value, enumerable: true, configurable: true, writable: true });
  }
  return into;
}

function programSheet(nodes: readonly NodeResult[]): CsvSheet {
  const columns = [...NODE, 'ms', 'exit', 'signal', 'stdout', 'stderr', 'stdout_dropped', 'stderr_dropped'];
  const rows = nodes.map((result) => {
    const { exit, signal, stdout, stderr, truncated } = recordOf(result.data);
    const { stdout: stdoutDropped, stderr: stderrDropped } = recordOf(truncated);
    return {
      ...nodeRow(result),
      exit,
      signal,
      stdout,
      stderr,
      stdout_dropped: stdoutDropped,
      stderr_dropped: stderrDropped,
    };
  });
  return { columns, rows };
}

function processSheet(nodes: readonly NodeResult[]): CsvSheet {
  const rows = nodes.flatMap((result) => {
    const processes = listOf(recordOf(result.data).processes);
    return orOne(
      processes.map((process) => ({ ...recordOf(process), ...nodeRow(result) })),
      result,
    );
  });
  return { columns: [...NODE, 'pid', 'ppid', 'user', 'started', 'name', 'command'], rows };
}

function countSheet(nodes: readonly NodeResult[]): CsvSheet {
  return {
    columns: [...NODE, 'count'],
    rows: nodes.map((result) => ({ ...nodeRow(result), count: processCountOf(result) })),
  };
}

function signalSheet(nodes: readonly NodeResult[], dryRun: boolean): CsvSheet {
  const rows = nodes.flatMap((result) => {
    const outcomes = outcomesOf(readSignalled(result), dryRun);
    return orOne(
      outcomes.map(({ pid, name, outcome, reason }) => ({
        ...nodeRow(result),
        pid,
        name,
        outcome,
        outcome_reason: reason,
      })),
      result,
    );
  });
  return { columns: [...NODE, 'pid', 'name', 'outcome', 'outcome_reason'], rows };
}

function orOne(rows: readonly CsvRow[], result: NodeResult): readonly CsvRow[] {
  return rows.length === 0 ? [nodeRow(result)] : rows;
}
