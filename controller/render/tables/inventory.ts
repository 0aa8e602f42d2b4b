/** `fleet inventory`: what the inventory knows of each node, a line each; one node alone is shown whole. */
import { compareNatural } from '../../../shared/names/natural-order.ts';
import { fieldOf, isRecord, recordOf, textOf } from '../../aggregate/read-data.ts';
import type { NodeResult, Report } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import { inOrder } from '../document.ts';
import { endingCell } from '../ending.ts';
import { momentText } from '../durations.ts';
import type { Look } from '../look.ts';
import { valueText } from '../values.ts';
import { visibleLine } from '../visible.ts';
import { inventoryOfNode } from './inventory-node.ts';

export function inventoryTable(report: Report, look: Look): string[] {
  const whole = report.nodes.filter(({ data }) => isRecord(data) && 'collectors' in data);
  if (whole.length > 0) {
    return inOrder(whole).flatMap((result, at) => [...(at === 0 ? [] : ['']), ...inventoryOfNode(result, look)]);
  }
  return list(inOrder(report.nodes), look);
}

function list(nodes: readonly NodeResult[], look: Look): string[] {
  const indexed = indexedFacts(nodes);
  const rows = nodes.map((result): Cell[] => {
    if (result.state !== 'ok') return [visibleLine(result.node), endingCell(result, look)];
    const entry = recordOf(result.data);
    const facts = recordOf(entry.indexed);
    return [
      visibleLine(result.node),
      presenceCell(entry, look),
      ...indexed.map((path) => {
        const value = fieldOf(facts, path);
        return value === undefined ? '-' : valueText(value);
      }),
      visibleLine(textOf(entry.os)) || '-',
      visibleLine(textOf(entry.agent)) || '-',
    ];
  });
  const titles = ['NODE', 'STATE', ...indexed.map((path) => visibleLine(path).toUpperCase()), 'OS', 'AGENT'];
  return alignColumns(
    titles.map((title) => ({ title })),
    rows,
    { title: look.paint.faint, fit: look.fit },
  );
}

/** `role` is what people look for first. The system has a column of its own. */
function indexedFacts(nodes: readonly NodeResult[]): string[] {
  const paths = new Set(nodes.flatMap(({ data }) => Object.keys(recordOf(recordOf(data).indexed))));
  return [...paths]
    .filter((path) => !path.startsWith('os.'))
    .toSorted((a, b) => Number(b === 'role') - Number(a === 'role') || compareNatural(a, b));
}

function presenceCell(entry: Partial<Record<string, unknown>>, look: Look): Cell {
  const [presence, since] = [textOf(entry['presence']), textOf(entry['since'])];
  if (presence === 'joined') return presence;
  const moment = momentText(visibleLine(since));
  const when = since === '' ? '' : entry['orBefore'] === true ? `, found at ${moment}` : ` since ${moment}`;
  return { text: `${presence}${when}`, paint: look.paint.warn };
}
