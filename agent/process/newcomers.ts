/**
 * Processes that match a kill and appeared while it ran. A child that was forked in the last moment has to go too; a
 * fresh start by a supervisor must not, or `fleet kill app` would end what was just started again.
 */
import type { ProcessRecord } from './process-table.ts';

export interface Newcomers {
  readonly escaped: ProcessRecord[];
  readonly restarted: ProcessRecord[];
}

/**
 * A newcomer escaped when a signalled process is its parent, or left it behind: it shares a group or session with one, and
 * its parent isn't what had started a signalled process and lives on.
 */
export function sortNewcomers(
  now: readonly ProcessRecord[],
  before: readonly ProcessRecord[],
  signalled: readonly ProcessRecord[],
): Newcomers {
  const seen = new Set(before.map(identity));
  const pids = new Set(signalled.map((record) => record.pid));
  const groups = new Set(signalled.map((record) => record.group));
  const sessions = new Set(signalled.map((record) => record.session));
  const starters = new Set(signalled.map((record) => record.ppid).filter((pid) => !pids.has(pid) && pid > 1));

  const newcomers = now.filter((record) => !seen.has(identity(record)));
  const hasEscaped = (record: ProcessRecord): boolean => {
    if (pids.has(record.ppid)) return true;
    if (starters.has(record.ppid)) return false;
    return groups.has(record.group) || sessions.has(record.session);
  };
  return {
    escaped: newcomers.filter(hasEscaped),
    restarted: newcomers.filter((record) => !hasEscaped(record)),
  };
}

function identity(record: ProcessRecord): string {
  return `${record.pid} ${record.start}`;
}
