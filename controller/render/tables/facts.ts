/** `fleet facts`: with paths how their values are distributed, or a line per node; without, each node's whole document. */
import { fieldOf, recordOf } from '../../aggregate/read-data.ts';
import type { FactCount, NodeResult, Report } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import { inOrder } from '../document.ts';
import { endingCell } from '../ending.ts';
import type { Look } from '../look.ts';
import { nodeNames } from '../node-names.ts';
import { treeLines, valueText } from '../values.ts';
import { visibleLine } from '../visible.ts';

export function factsTable(report: Report, look: Look): string[] {
  if (report.facts === undefined) return documents(report.nodes, look);
  if (look.byNode) return byNode(report.nodes, Object.keys(report.facts), look);
  const several = Object.keys(report.facts).length > 1;
  return Object.entries(report.facts)
    .filter(([, counts]) => counts.length > 0)
    .flatMap(([path, counts], at) => {
      const lines = distribution(counts, look, several ? 2 : 0);
      return several ? [...(at === 0 ? [] : ['']), look.paint.strong(visibleLine(path)), ...lines] : lines;
    });
}

function distribution(counts: readonly FactCount[], look: Look, indent: number): string[] {
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const values = counts.map(({ value }) => valueText(value));
  const rows = counts.map(({ value, count, nodes }, at): Cell[] => [
    value === null ? { text: values[at] ?? '', paint: look.paint.faint } : (values[at] ?? ''),
    String(count),
    percentText(count, total),
    nodeNames(nodes, roomForNames(values, look, indent)),
  ]);
  const columns = [
    { title: 'VALUE' },
    { title: 'COUNT', align: 'right' },
    { title: '%', align: 'right' },
    { title: 'NODES' },
  ] as const;
  return alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit, indent });
}

/** What the value, the count and the percentage leave of a line. */
function roomForNames(values: readonly string[], look: Look, indent: number): number | null {
  if (look.fit === null) return null;
  const widest = values.reduce((width, text) => Math.max(width, text.length), 'VALUE'.length);
  return Math.max(24, look.fit - indent - widest - 'COUNT'.length - '100%'.length - 6);
}

function percentText(count: number, total: number): string {
  const percent = (count / total) * 100;
  if (percent > 0 && percent < 1) return '<1%';
  if (percent > 99 && percent < 100) return '>99%';
  return `${Math.round(percent)}%`;
}

function byNode(nodes: readonly NodeResult[], paths: readonly string[], look: Look): string[] {
  const rows = inOrder(nodes).map((result): Cell[] => {
    if (result.state !== 'ok') return [visibleLine(result.node), endingCell(result, look)];
    const values = recordOf(result.data);
    return [visibleLine(result.node), ...paths.map((path) => valueText(fieldOf(values, path)))];
  });
  const columns = [{ title: 'NODE' }, ...paths.map((path) => ({ title: visibleLine(path) }))];
  return alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit });
}

function documents(nodes: readonly NodeResult[], look: Look): string[] {
  return inOrder(nodes)
    .filter(({ state }) => state === 'ok')
    .flatMap((result, at) => [
      ...(at === 0 ? [] : ['']),
      look.paint.strong(visibleLine(result.node)),
      ...treeLines(recordOf(result.data), '  '),
    ]);
}
