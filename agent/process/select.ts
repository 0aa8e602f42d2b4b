/**
 * Which processes a selector means. A plain pattern is a whole name; with `full` it's a part of the command line, as
 * people know it from pgrep. A glob always covers the whole of what it's matched against: `--full '*worker*'`.
 */
import type { ProcessSelector } from '../../shared/actions/process-list.ts';
import { compileGlob, hasWildcard, matchGlob } from '../../shared/where/glob.ts';
import type { ProcessRecord } from './process-table.ts';
import type { Users } from './users.ts';

export function compileSelector(select: ProcessSelector, users: Users): (record: ProcessRecord) => boolean {
  const conditions: ((record: ProcessRecord) => boolean)[] = [];
  const { pattern, full, user, olderMs } = select;
  if (pattern !== undefined) {
    const matches = compilePattern(pattern, full ?? false);
    conditions.push(full ? (record) => matches(record.command) : (record) => record.names.some(matches));
  }
  if (user !== undefined) {
    // A user that this node doesn't have runs nothing here.
    const uid = users.find(user)?.uid ?? (/^\d+$/.test(user) ? Number(user) : undefined);
    conditions.push((record) => record.uid === uid);
  }
  if (olderMs !== undefined) conditions.push((record) => record.ageMs >= olderMs);
  return (record) => conditions.every((holds) => holds(record));
}

function compilePattern(pattern: string, full: boolean): (text: string) => boolean {
  if (hasWildcard(pattern)) {
    const glob = compileGlob(pattern);
    return (text) => matchGlob(glob, text);
  }
  return full ? (text) => text.includes(pattern) : (text) => text === pattern;
}
