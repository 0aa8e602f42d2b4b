/** One object a line, as it happens; the last one says how it all ended. */
import { isAddressed, isList, type AnyReport, type NodeResult } from '../report.ts';
import { headOf, nodeObject, summaryOf } from './document.ts';
import { jsonText } from './json.ts';

export function nodeLine(command: string, result: NodeResult): string {
  return `${jsonText({ type: 'node', ...nodeObject(command, result) })}\n`;
}

/** Everything of the report that has not been a line already. */
export function summaryLine(report: AnyReport): string {
  if (isAddressed(report)) return `${jsonText({ type: 'summary', ...summaryOf(report) })}\n`;
  if (isList(report))
    return (
      report.items.map((item) => `${jsonText({ type: report.one, ...item })}\n`).join('') +
      `${jsonText({ type: 'summary', ...headOf(report) })}\n`
    );
  return offerLines(report).join('') + `${jsonText({ type: 'summary', ...withoutOffers(report) })}\n`;
}

function offerLines(report: AnyReport): string[] {
  if ('tasks' in report) return report.tasks.map((offer) => `${jsonText({ type: 'task', ...offer })}\n`);
  if ('actions' in report) return report.actions.map((offer) => `${jsonText({ type: 'action', ...offer })}\n`);
  return [];
}

function withoutOffers(report: AnyReport): Readonly<Record<string, unknown>> {
  const { tasks: _tasks, actions: _actions, ...rest } = { tasks: null, actions: null, ...report };
  return rest;
}
