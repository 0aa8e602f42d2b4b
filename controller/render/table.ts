/** `-o table`: which table a report gets. */
import { isAddressed, isList, type AnyReport, type Report } from '../report.ts';
import type { Look } from './look.ts';
import { cancelTable } from './tables/cancel.ts';
import { factsTable } from './tables/facts.ts';
import { findTable } from './tables/find.ts';
import { inventoryTable } from './tables/inventory.ts';
import { killTable } from './tables/kill.ts';
import { listTable } from './tables/list.ts';
import { matchTable } from './tables/match.ts';
import { actionTable, taskTable } from './tables/offers.ts';
import { pingTable } from './tables/ping.ts';
import { processTable } from './tables/processes.ts';
import { programsTable } from './tables/programs.ts';

export function tableText(report: AnyReport, look: Look): string {
  const lines = isAddressed(report) ? addressedTable(report, look) : otherTable(report, look);
  return lines.map((line) => `${line}\n`).join('');
}

function addressedTable(report: Report, look: Look): string[] {
  if (report.detached === true) return report.job === null ? [] : [report.job];
  switch (report.command) {
    case 'ping':
      return pingTable(report, look);
    case 'find':
      return findTable(report);
    case 'facts':
      return factsTable(report, look);
    case 'inventory':
      return inventoryTable(report, look);
    case 'exec':
    case 'logs':
    case 'run':
      return programsTable(report, look);
    case 'ps':
      return processTable(report, look);
    case 'kill':
      return killTable(report, look);
    case 'job cancel':
      return cancelTable(report, look);
  }
}

function otherTable(report: Exclude<AnyReport, Report>, look: Look): string[] {
  if (isList(report)) return listTable(report, look);
  if ('tasks' in report) return taskTable(report, look);
  if ('actions' in report) return actionTable(report, look);
  return matchTable(report, look);
}
