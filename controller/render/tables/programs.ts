/**
 * `fleet exec` and `fleet run`: what programs said, once for all nodes where they said the same. Output is indented, so
 * that no program can print what looks like the heading of another node.
 */
import { createGroups, type ProgramGroup } from '../../aggregate/groups.ts';
import type { Report } from '../../report.ts';
import { paintOfState, type Look } from '../look.ts';
import { nodeCount, nodeNames } from '../node-names.ts';
import { visibleLine, visibleText } from '../visible.ts';

const INDENT = '  ';

export function programsTable(report: Report, look: Look): string[] {
  const groups = createGroups(look.groupByOutput);
  for (const result of report.nodes) groups.add(result);
  return groups.groups().flatMap((group, at) => {
    const lines = [heading(group, look), ...outputLines(group, whole(report, group), look)];
    return at === 0 ? lines : ['', ...lines];
  });
}

function heading(group: ProgramGroup, look: Look): string {
  const { paint } = look;
  const ending = [
    group.state,
    ...endingParts(group),
    ...(group.nodes.length > 1 ? [nodeCount(group.nodes.length)] : []),
  ];
  const rest = ` · ${ending.join(' · ')}`;
  const names = nodeNames(group.nodes, look.fit === null ? null : Math.max(24, look.fit - rest.length));
  return paint.strong(names) + paintOfState(paint, group.state)(rest);
}

/** The reason is said where exit and signal don't say it already. */
function endingParts({ state, exit, signal, reason }: ProgramGroup): string[] {
  const how = exit !== null ? [`exit ${exit}`] : signal !== '' ? [`ended by ${visibleLine(signal)}`] : [];
  const told = how.length > 0 && state === 'failed';
  return reason === null || reason === '' || told ? how : [...how, visibleLine(reason)];
}

/** Where all of it is; undefined where nobody keeps it. */
function whole({ job, record, recorded }: Report, { nodes }: ProgramGroup): string | undefined {
  if (job === null || (record === undefined && recorded !== true)) return undefined;
  return `fleet job show ${job} ${nodes.length === 1 ? nodes[0] : 'NODE'}`;
}

function outputLines({ stdout, stderr, dropped }: ProgramGroup, all: string | undefined, look: Look): string[] {
  const { paint } = look;
  return [
    ...linesOf(stdout, INDENT),
    ...droppedLine('stdout', dropped.stdout, all, look),
    ...(stderr === '' ? [] : [`${INDENT}${paint.faint('stderr:')}`]),
    ...linesOf(stderr, INDENT + INDENT).map((line) => paint.warn(line)),
    ...droppedLine('stderr', dropped.stderr, all, look),
  ];
}

function linesOf(text: string, indent: string): string[] {
  if (text === '') return [];
  const visible = visibleText(text);
  return (visible.endsWith('\n') ? visible.slice(0, -1) : visible)
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line));
}

function droppedLine(stream: string, bytes: number, all: string | undefined, { paint }: Look): string[] {
  if (bytes === 0) return [];
  const words =
    all === undefined
      ? `${bytes} bytes were dropped from the middle of ${stream}`
      : `${bytes} bytes from the middle of ${stream} are left out here; all of it: ${all}`;
  return [INDENT + paint.warn(`(${words})`)];
}
