/** Lists processes, and compares their number with what the caller expects. */
import { processList } from '../../shared/actions/process-list.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { ProcessRecord, ProcessTable } from '../process/process-table.ts';
import { compileSelector } from '../process/select.ts';
import type { Users } from '../process/users.ts';
import { implement, type RunnableAction } from './action.ts';

export function processListAction({ table, users }: { table: ProcessTable; users: Users }): RunnableAction {
  return implement(processList, async ({ select, expect }) => {
    const matches = compileSelector(select, users);
    const processes = (await table.list()).filter(matches).map(entryOf);
    const count = processes.length;
    const data = { processes, count };
    if (expect === undefined || (count >= expect.min && count <= (expect.max ?? Infinity))) {
      return { state: 'ok', data };
    }
    const reason = `expected ${describeRange(expect.min, expect.max)}, found ${count}`;
    return { state: 'failed', code: 'unexpected-count', reason, data };
  });
}

function entryOf(record: ProcessRecord) {
  const { pid, ppid, user, name, command } = record;
  // Not through the middle of a character.
  const shown = command.slice(0, LIMITS.commandLineShownLength).replace(/[\uD800-\uDBFF]$/, '');
  return {
    pid,
    ppid,
    user,
    name,
    command: command.length > LIMITS.commandLineShownLength ? `${shown}…` : command,
    started: new Date(record.startedAt).toISOString(),
  };
}

function describeRange(min: number, max: number | null): string {
  if (max === null) return `${min} or more`;
  if (max === 0) return 'none';
  if (min === max) return `${min}`;
  return min === 0 ? `at most ${max}` : `${min} to ${max}`;
}
