/** The last lines on stderr: how it ended in numbers, and every node that did not end `ok`, folded by state and reason. */
import { FINAL_STATES, type FinalState } from '../../shared/states.ts';
import { notOkOf, type NotOk } from '../aggregate/not-ok.ts';
import { countProcesses, countSignalled } from '../aggregate/process-counts.ts';
import type { NodeProblem, Report, TaskReport } from '../report.ts';
import { alignColumns } from './columns.ts';
import { elapsedText } from './durations.ts';
import { paintOfState, type Look } from './look.ts';
import { nodeCount, nodeNames } from './node-names.ts';
import { openCounts, openGroups } from './open-words.ts';
import { visibleLine } from './visible.ts';

/** A longer reason is left to the lines below the summary. */
const REASON_IN_SUMMARY_CHARACTERS = 40;
/** Node names before state and reason, where the line has to fit a terminal. */
const NAMES_IN_LINE = 48;

/** `6 nodes: 5 ok, 1 failed (exit code 3) · 0.12 s · fleet main` */
export function summaryText(report: Report, look: Look): string {
  const { unmatched, nodes, ms, fleet, job } = report;
  const unexpected = nodes.filter((result) => result.unexpected === true).length;
  return [
    nodes.length === 0 ? nothingText(report) : `${nodeCount(nodes.length)}: ${statesText(report, look)}`,
    ...runningText(report),
    ...(report.queued === undefined || report.queued.nodes.length === 0
      ? []
      : [`${report.queued.nodes.length} queued`]),
    ...totals(report),
    ...(report.dryRun === true ? ['dry run, nothing was done'] : []),
    ...(unexpected > 0 ? [`${unexpected} unexpected`] : []),
    ...(unmatched > 0 ? [`${unmatched} no longer matching`] : []),
    elapsedText(ms),
    `fleet ${visibleLine(fleet)}`,
    ...(look.verbose && job !== null ? [`job ${visibleLine(job)}`] : []),
  ].join(' · ');
}

function nothingText(report: Report): string {
  const { detached, expected, open, queued, record } = report;
  if (open !== undefined) return report.command === 'logs' ? nodeCount(expected) : 'no node has said how it ended';
  if (detached !== true && (queued?.nodes.length ?? 0) > 0) return 'no node has answered so far';
  if (detached === true) return `${nodeCount(expected)}, not waited for`;
  return record === undefined || expected === 0 ? 'no node matched' : 'no node has said how it ended';
}

function runningText(report: Report): string[] {
  const { open, record } = report;
  if (open !== undefined) return openCounts(report);
  return record === undefined || record.running.length === 0 ? [] : [`${record.running.length} running`];
}

/** What `ps` and `kill` found on all nodes together. */
function totals({ command, nodes, dryRun }: Report): string[] {
  if (command === 'ps') {
    const { processes, nodes: holders } = countProcesses(nodes);
    return [`${processes} ${processes === 1 ? 'process' : 'processes'} on ${nodeCount(holders)}`];
  }
  if (command !== 'kill') return [];
  const { signalled, gone, remaining, spared } = countSignalled(nodes);
  if (dryRun === true) return [`would signal ${signalled}, would spare ${spared}`];
  return [`${signalled} signalled, ${gone} gone, ${remaining} remaining, ${spared} spared`];
}

function statesText({ states, nodes }: Report, { paint }: Look): string {
  const notOk = notOkOf(nodes);
  return FINAL_STATES.filter((state) => (states[state] ?? 0) > 0)
    .map((state) => {
      const reason = sharedReason(notOk, state);
      return paintOfState(paint, state)(`${states[state]} ${state}`) + (reason === null ? '' : ` (${reason})`);
    })
    .join(', ');
}

/** What all nodes in this state say, if it's short. */
function sharedReason(notOk: readonly NotOk[], state: FinalState): string | null {
  const [only, ...others] = notOk.filter((entry) => entry.state === state);
  if (only?.reason === undefined || only.reason === null || others.length > 0) return null;
  return only.reason.length > REASON_IN_SUMMARY_CHARACTERS ? null : visibleLine(only.reason);
}

export function notOkLines(report: Report, look: Look): string[] {
  const rows = notOkOf(report.nodes).map(({ nodes, state, reason, code }) => [
    nodeNames(nodes, look.fit === null ? null : NAMES_IN_LINE),
    { text: state, paint: paintOfState(look.paint, state) },
    visibleLine(reason ?? code ?? ''),
  ]);
  const open = openGroups(report).map(({ nodes, is, reason }) => [
    nodeNames(nodes, look.fit === null ? null : NAMES_IN_LINE),
    is,
    visibleLine(reason),
  ]);
  return alignColumns([{ title: '' }, { title: '' }, { title: '' }], [...rows, ...open], { fit: look.fit });
}

/** Files that nodes did not accept; the same one on many nodes is one line. */
export function problemLines(report: TaskReport, look: Look): string[] {
  const byProblem = new Map<string, NodeProblem & { nodes: string[] }>();
  for (const problem of report.problems) {
    const key = JSON.stringify([problem.source, problem.reason]);
    const known = byProblem.get(key);
    if (known === undefined) byProblem.set(key, { ...problem, nodes: [problem.node] });
    else known.nodes.push(problem.node);
  }
  const rows = [...byProblem.values()].map(({ nodes, source, reason }) => [
    nodeNames(nodes, look.fit === null ? null : NAMES_IN_LINE),
    { text: 'not accepted', paint: look.paint.bad },
    `${visibleLine(source)}: ${visibleLine(reason)}`,
  ]);
  return alignColumns([{ title: '' }, { title: '' }, { title: '' }], rows, { fit: look.fit });
}
