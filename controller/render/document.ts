/**
 * Reports as plain documents with a fixed shape: what `-o json`, `yaml` and `ndjson` write. Nodes in natural order, and
 * each of them with all its fields, null where there is nothing.
 */
import { compareNatural } from '../../shared/names/natural-order.ts';
import { isAddressed, isList, type AnyReport, type ListReport, type NodeResult, type Report } from '../report.ts';

export function documentOf(report: AnyReport): Readonly<Record<string, unknown>> {
  if (isList(report)) return { ...headOf(report), [report.list]: report.items };
  if (!isAddressed(report)) return { ...report };
  return { ...summaryOf(report), nodes: inOrder(report.nodes).map((result) => nodeObject(report.command, result)) };
}

/** All of a list but its items. */
export function headOf({ version, command, exit, more }: ListReport): Readonly<Record<string, unknown>> {
  return { version, command, exit, ...more };
}

/** All but the nodes. What everybody looks for comes first. */
export function summaryOf(report: Report): Readonly<Record<string, unknown>> {
  const {
    version,
    command,
    job,
    fleet,
    target,
    expected,
    states,
    unmatched,
    exit,
    ms,
    nodes: _,
    ...additions
  } = report;
  return { version, command, job, fleet, target, expected, states, unmatched, exit, ms, ...additions };
}

/** `find` asks no node for anything, so it has no data to show. */
export function nodeObject(command: string, result: NodeResult): Readonly<Record<string, unknown>> {
  return {
    node: result.node,
    state: result.state,
    ...(result.code === undefined ? {} : { code: result.code }),
    reason: result.reason,
    ...(command === 'find' ? {} : { data: result.data ?? null }),
    ms: result.ms,
    ...(result.amended === true ? { amended: true } : {}),
    ...(result.provisional === true ? { provisional: true } : {}),
    ...(result.unexpected === true ? { unexpected: true } : {}),
  };
}

export function inOrder(nodes: readonly NodeResult[]): NodeResult[] {
  return nodes.toSorted((a, b) => compareNatural(a.node, b.node));
}
