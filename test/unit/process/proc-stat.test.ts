import { expect, test } from 'vitest';
import { isAlive, listPids, parseStat, readStat } from '../../../agent/process/proc-stat.ts';

const REST = '7 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 98765 1000 200 18446744073709551615';

test.each([
  ['an ordinary name', `12 (bash) S ${REST}`, { pid: 12, comm: 'bash', ppid: 7, start: 98765, ended: false }],
  ['blanks and parentheses', `12 (a) R (b)) S ${REST}`, { comm: 'a) R (b)', ppid: 7 }],
  ['an empty name', `12 () S ${REST}`, { comm: '' }],
  ['a zombie', `12 (x) Z ${REST}`, { ended: true }],
  ['a kernel thread', `2 (kthreadd) S ${REST.replace('4194560', '2129984')}`, { kernel: true }],
])('reads %s', (_what, text, expected) => {
  expect(parseStat(`${text}\n`)).toMatchObject(expected);
});

test.each([[''], ['12'], ['12 (bash'], ['12 (bash) S 7'], [')(']])('takes %j for no process', (text) => {
  expect(parseStat(text)).toBeUndefined();
});

test('finds this process, alive, with its parent', () => {
  const self = readStat(process.pid)!;
  expect(self).toMatchObject({ pid: process.pid, ppid: process.ppid, ended: false, kernel: false });
  expect(listPids()).toContain(process.pid);
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ pid: self.pid, start: self.start - 1 })).toBe(false);
});

test('says of a pid that nobody has that there is no process', () => {
  expect(readStat(2 ** 22 + 1)).toBeUndefined();
});
