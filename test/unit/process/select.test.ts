import { describe, expect, test } from 'vitest';
import { compileSelector } from '../../../agent/process/select.ts';
import type { ProcessRecord } from '../../../agent/process/process-table.ts';
import { Users } from '../../../agent/process/users.ts';
import { meansEveryProcess, type ProcessSelector } from '../../../shared/actions/process-list.ts';
import { processSignal } from '../../../shared/actions/process-signal.ts';

const users = new Users();

function record(changes: Partial<ProcessRecord>): ProcessRecord {
  return {
    pid: 5,
    ppid: 1,
    group: 5,
    session: 5,
    comm: 'node',
    ended: false,
    kernel: false,
    start: 100,
    uid: 0,
    user: 'root',
    name: 'node',
    names: ['node'],
    arguments: ['node', 'worker.js', '--queue', 'mail'],
    command: 'node worker.js --queue mail',
    startedAt: 0,
    ageMs: 60_000,
    ...changes,
  };
}

describe('a selector', () => {
  test.each<[ProcessSelector, Partial<ProcessRecord>, boolean]>([
    [{}, {}, true],
    [{ pattern: 'node' }, {}, true],
    [{ pattern: 'nod' }, {}, false],
    [{ pattern: 'Node' }, {}, false],
    [{ pattern: 'no*' }, {}, true],
    [{ pattern: 'nod?' }, {}, true],
    [{ pattern: 'node?' }, {}, false],
    [{ pattern: 'n?de' }, { names: ['n😀de'] }, true],
    [{ pattern: 'node' }, { names: ['my app', 'node'] }, true],
    [{ pattern: 'worker.js' }, {}, false],
    [{ pattern: 'worker.js', full: true }, {}, true],
    [{ pattern: 'worker?js', full: true }, {}, false],
    [{ pattern: '*worker?js*', full: true }, {}, true],
    [{ pattern: 'node *', full: true }, {}, true],
    [{ pattern: '[node]' }, { names: ['[node]'] }, true],
    [{ user: 'root' }, {}, true],
    [{ user: '0' }, {}, true],
    [{ user: 'root' }, { uid: 1 }, false],
    [{ user: '54321' }, { uid: 54321 }, true],
    [{ user: 'nobody-of-that-name' }, {}, false],
    [{ olderMs: 60_000 }, {}, true],
    [{ olderMs: 60_001 }, {}, false],
    [{ pattern: 'node', user: 'root', olderMs: 90_000 }, {}, false],
  ])('%j over %j is %s', (select, changes, expected) => {
    expect(compileSelector(select, users)(record(changes))).toBe(expected);
  });
});

test.each<[ProcessSelector, boolean]>([
  [{}, true],
  [{ olderMs: 5 }, true],
  [{ pattern: '*' }, true],
  [{ pattern: '**?*', full: true }, true],
  [{ pattern: 'n*' }, false],
  [{ user: 'app' }, false],
  [{ pattern: '*', user: 'app' }, false],
])('a kill of %j is refused as meaning everything: %s', (select, everything) => {
  expect(meansEveryProcess(select)).toBe(everything);
  expect(processSignal.input.safeParse({ select, signal: 'TERM', graceMs: 0 }).success).toBe(!everything);
});
