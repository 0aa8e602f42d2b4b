/** One node, whole: agent, what it offers, how old its facts are, what is wrong with its files, and the facts. */
import { listOf, numberOf, recordOf, textOf } from '../../aggregate/read-data.ts';
import { compareNatural } from '../../../shared/names/natural-order.ts';
import type { NodeResult } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import { ageText, momentText } from '../durations.ts';
import type { Look } from '../look.ts';
import { treeLines } from '../values.ts';
import { visibleLine } from '../visible.ts';

export function inventoryOfNode(result: NodeResult, look: Look): string[] {
  const data = recordOf(result.data);
  return [
    look.paint.strong(visibleLine(result.node)),
    ...section('agent', [agentText(data.agent)], look),
    ...section('problems', problemLines(data.problems, look), look),
    ...section(
      'actions',
      [
        listOf(data.actions)
          .map((name) => visibleLine(textOf(name)))
          .toSorted(compareNatural)
          .join(' '),
      ],
      look,
    ),
    ...section('tasks', taskLines(data.tasks, look), look),
    ...section('collectors', collectorLines(data.collectors, look), look),
    ...section('messages', [counterText(data.counters)], look),
    ...section('facts', treeLines(recordOf(data.facts)), look),
  ];
}

function section(title: string, lines: readonly string[], look: Look): string[] {
  const filled = lines.filter((line) => line !== '');
  return filled.length === 0 ? [] : [`  ${look.paint.faint(title)}`, ...filled.map((line) => `    ${line}`)];
}

function agentText(agent: unknown): string {
  const { version, pid, startedAt, protocol } = recordOf(agent);
  const started = numberOf(startedAt);
  return [
    `version ${visibleLine(textOf(version))}`,
    `pid ${textOf(pid)}`,
    ...(started === null ? [] : [`started ${momentOf(started)}`]),
    `protocol ${listOf(protocol).map(textOf).join(', ')}`,
  ].join(' · ');
}

/** A clock far off must not end the output: `Date` throws beyond its range. */
function momentOf(ms: number): string {
  const moment = new Date(ms);
  return Number.isNaN(moment.getTime()) ? String(ms) : `${momentText(moment.toISOString())} UTC`;
}

function problemLines(problems: unknown, look: Look): string[] {
  return listOf(problems).map((problem) => {
    const { source, reason } = recordOf(problem);
    return look.paint.bad(`${visibleLine(textOf(source))}: ${visibleLine(textOf(reason))}`);
  });
}

function taskLines(tasks: unknown, look: Look): string[] {
  const rows = listOf(tasks).map((task) => {
    const { name, changes, description } = recordOf(task);
    return [visibleLine(textOf(name)), changes === false ? 'reads' : 'changes', visibleLine(textOf(description))];
  });
  return alignColumns([{ title: '' }, { title: '' }, { title: '' }], rows, {
    fit: look.fit === null ? null : look.fit - 4,
  });
}

function collectorLines(collectors: unknown, look: Look): string[] {
  const rows = Object.entries(recordOf(collectors)).map(([name, status]): Cell[] => {
    const { ageMs, tookMs, error } = recordOf(status);
    const age = numberOf(ageMs);
    const took = numberOf(tookMs);
    return [
      visibleLine(name),
      age === null ? { text: 'never collected', paint: look.paint.warn } : `${ageText(age)} old`,
      took === null ? '' : `took ${ageText(took)}`,
      { text: visibleLine(textOf(error)), paint: look.paint.bad },
    ];
  });
  const columns = [{ title: '' }, { title: '' }, { title: '' }, { title: '' }];
  return alignColumns(columns, rows, { fit: look.fit === null ? null : look.fit - 4 });
}

function counterText(counters: unknown): string {
  return Object.entries(recordOf(counters))
    .map(([name, count]) => `${visibleLine(name)} ${textOf(count)}`)
    .join(' · ');
}
