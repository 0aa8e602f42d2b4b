/** `fleet kill`: numbers per node, then every process with what became of it, and why it was left alone. */
import { readSignalled, type ReadProcess } from '../../aggregate/read-data.ts';
import type { NodeResult, Report } from '../../report.ts';
import { alignColumns, type Cell, type Column } from '../columns.ts';
import { inOrder } from '../document.ts';
import { endingCell } from '../ending.ts';
import type { Look } from '../look.ts';
import { visibleLine } from '../visible.ts';

type Lists = ReturnType<typeof readSignalled>;

export interface ProcessOutcome extends ReadProcess {
  readonly outcome: string;
}

export function killTable(report: Report, look: Look): string[] {
  const nodes = inOrder(report.nodes);
  const dryRun = report.dryRun === true;
  const details = nodes.flatMap((result) => detailRows(result, dryRun, look));
  return [
    ...alignColumns(
      countColumns(dryRun),
      nodes.map((result) => countRow(result, dryRun, look)),
      {
        title: look.paint.faint,
        fit: look.fit,
      },
    ),
    ...(details.length === 0 ? [] : ['']),
    ...alignColumns(DETAIL_COLUMNS, details, { title: look.paint.faint, fit: look.fit }),
  ];
}

/** Each process once, with the last that happened to it. */
export function outcomesOf({ signalled, gone, remaining, spared }: Lists, dryRun: boolean): ProcessOutcome[] {
  const ended = new Set([...gone, ...remaining].map(({ pid }) => pid));
  const as = (outcome: string, list: readonly ReadProcess[]): ProcessOutcome[] =>
    list.map((process) => ({ ...process, outcome }));
  return [
    ...as('gone', gone),
    ...as(
      dryRun ? 'would be signalled' : 'signalled',
      signalled.filter(({ pid }) => !ended.has(pid)),
    ),
    ...as(dryRun ? 'would be spared' : 'spared', spared),
    ...as('remaining', remaining),
  ];
}

function countColumns(dryRun: boolean): Column[] {
  const counted = dryRun ? ['WOULD SIGNAL', 'WOULD SPARE'] : ['SIGNALLED', 'GONE', 'REMAINING', 'SPARED'];
  return [{ title: 'NODE' }, ...counted.map((title): Column => ({ title, align: 'right' })), { title: '' }];
}

function countRow(result: NodeResult, dryRun: boolean, look: Look): Cell[] {
  if (result.state !== 'ok' && result.data === undefined) return [visibleLine(result.node), endingCell(result, look)];
  const { signalled, gone, remaining, spared } = readSignalled(result);
  const lists = dryRun ? [signalled, spared] : [signalled, gone, remaining, spared];
  const note: Cell = result.state === 'ok' ? '' : endingCell(result, look);
  return [visibleLine(result.node), ...lists.map(({ length }) => String(length)), note];
}

const DETAIL_COLUMNS: readonly Column[] = [
  { title: 'NODE' },
  { title: 'PID', align: 'right' },
  { title: 'NAME' },
  { title: 'OUTCOME' },
  { title: '' },
];

function detailRows(result: NodeResult, dryRun: boolean, look: Look): Cell[][] {
  return outcomesOf(readSignalled(result), dryRun).map(({ pid, name, outcome, reason }) => [
    visibleLine(result.node),
    pid === null ? '' : String(pid),
    visibleLine(name),
    { text: outcome, paint: outcome === 'remaining' ? look.paint.bad : plain },
    visibleLine(reason),
  ]);
}

function plain(text: string): string {
  return text;
}
