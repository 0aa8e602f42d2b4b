/** `-o names`: one name a line, for `xargs` and `--nodes-from -`: the nodes that ended `ok`, or the tasks or actions. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import { canonicalText } from '../aggregate/canonical.ts';
import { isAddressed, isList, type AnyReport } from '../report.ts';
import { visibleLine } from './visible.ts';

export function namesText(report: AnyReport): string {
  const names = [...new Set(namesOf(report))];
  // A list has an order of its own: jobs that of time.
  return (isList(report) ? names : names.toSorted(compareNatural)).map((name) => `${visibleLine(name)}\n`).join('');
}

function namesOf(report: AnyReport): string[] {
  if (isAddressed(report) && report.detached === true) return report.job === null ? [] : [report.job];
  if (isAddressed(report)) return report.nodes.filter(({ state }) => state === 'ok').map(({ node }) => node);
  if (isList(report)) return report.items.map((item) => nameOf(item[report.fields[0] ?? '']));
  if ('tasks' in report) return report.tasks.map(({ task }) => task.name);
  if ('actions' in report) return report.actions.map(({ name }) => name);
  return [];
}

const nameOf = (value: unknown): string => (typeof value === 'string' ? value : canonicalText(value));
