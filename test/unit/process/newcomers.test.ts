import { expect, test } from 'vitest';
import { sortNewcomers } from '../../../agent/process/newcomers.ts';
import type { ProcessRecord } from '../../../agent/process/process-table.ts';

function record(pid: number, ppid: number, group: number, session = group, start = pid): ProcessRecord {
  return { pid, ppid, group, session, start } as ProcessRecord;
}

const app = record(100, 50, 100, 100);

test.each<[string, ProcessRecord, 'escaped' | 'restarted']>([
  ['a child of a signalled process', record(200, 100, 200), 'escaped'],
  ['an orphan of the same group', record(200, 1, 100), 'escaped'],
  ['an orphan of the same session', record(200, 1, 200, 100), 'escaped'],
  ['what systemd started again', record(200, 1, 200), 'restarted'],
  ['what a supervisor in the same session started again', record(200, 50, 100, 100), 'restarted'],
  ['a process that has nothing to do with it', record(200, 7, 7), 'restarted'],
  ['another process with a pid seen before', record(100, 1, 100, 100, 999), 'escaped'],
])('%s', (_what, newcomer, verdict) => {
  const sorted = sortNewcomers([app, newcomer], [app], [app]);
  expect(sorted[verdict]).toEqual([newcomer]);
  expect(sorted.escaped.length + sorted.restarted.length).toBe(1);
});

test('a parent that was signalled too is no supervisor', () => {
  const parent = record(50, 1, 50, 50);
  const newcomer = record(200, 50, 200);
  expect(sortNewcomers([newcomer], [app, parent], [app, parent]).escaped).toEqual([newcomer]);
});
