/** The CSV of commands that address no node: tasks, actions, a match. */
import { foldNames } from '../../shared/names/fold.ts';
import type { ActionReport, MatchReport, TaskReport } from '../report.ts';
import type { CsvSheet } from './csv.ts';

export function csvOffers(report: TaskReport | ActionReport | MatchReport): CsvSheet {
  if ('tasks' in report) {
    return {
      columns: ['task', 'changes', 'check', 'description', 'nodes'],
      rows: report.tasks.map(({ task, nodes }) => ({
        task: task.name,
        changes: task.changes,
        check: task.check,
        description: task.description,
        nodes: foldNames(nodes),
      })),
    };
  }
  if ('actions' in report) {
    return {
      columns: ['action', 'effect', 'description', 'nodes'],
      rows: report.actions.map(({ name, effect, description, nodes }) => ({
        action: name,
        effect,
        description,
        nodes: foldNames(nodes),
      })),
    };
  }
  if (report.explain === undefined) return { columns: ['matches'], rows: [{ matches: report.matches }] };
  return {
    columns: ['matches', 'predicate', 'holds', 'found'],
    rows: report.explain.map((step) => ({ matches: report.matches, ...step })),
  };
}
