/** `fleet ps`: the processes of each node, a line each; with `--expect` whether each node has as many as it should. */
import { processCountOf } from '../../aggregate/process-counts.ts';
import { listOf, recordOf, textOf } from '../../aggregate/read-data.ts';
import type { NodeResult, Report } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import { inOrder } from '../document.ts';
import { momentText } from '../durations.ts';
import { endingCell } from '../ending.ts';
import type { Look } from '../look.ts';
import { visibleLine } from '../visible.ts';

export function processTable(report: Report, look: Look): string[] {
  const nodes = inOrder(report.nodes);
  return report.expect === undefined ? processes(nodes, look) : counts(nodes, look);
}

function processes(nodes: readonly NodeResult[], look: Look): string[] {
  const rows = nodes.flatMap((result): Cell[][] => {
    const listed = listOf(recordOf(result.data).processes).map((process) =>
      processRow(visibleLine(result.node), process),
    );
    if (listed.length > 0) return listed;
    return [
      [
        visibleLine(result.node),
        result.state === 'ok' ? { text: 'no such process', paint: look.paint.faint } : endingCell(result, look),
      ],
    ];
  });
  const columns = [
    { title: 'NODE' },
    { title: 'PID', align: 'right' },
    { title: 'USER' },
    { title: 'STARTED (UTC)' },
    { title: 'NAME' },
    { title: 'COMMAND' },
  ] as const;
  return alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit });
}

function processRow(node: string, process: unknown): Cell[] {
  const { pid, user, started, name, command } = recordOf(process);
  const cells = [textOf(pid), textOf(user), momentText(textOf(started)), textOf(name), textOf(command)];
  return [node, ...cells.map(visibleLine)];
}

function counts(nodes: readonly NodeResult[], look: Look): string[] {
  const rows = nodes.map((result): Cell[] => {
    const count = processCountOf(result);
    if (count === null) return [visibleLine(result.node), '', endingCell(result, look)];
    return [visibleLine(result.node), String(count), endingCell(result, look)];
  });
  const columns = [{ title: 'NODE' }, { title: 'COUNT', align: 'right' }, { title: 'STATE' }] as const;
  return alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit });
}
