import { expect, it } from 'vitest';
import { nearestNames } from '../../../shared/names/nearest.ts';

const KNOWN = ['db1', 'db2', 'db10', 'rails1', 'rails2', 'web1', 'worker1'];

it.each([
  ['db3', ['db1', 'db2', 'db10']],
  ['rail1', ['rails1', 'rails2']],
  ['wrokers1', ['worker1']],
  ['wrb1', ['web1', 'db1']],
  ['bd1', ['db1', 'db2', 'db10']],
  ['db1', ['db1', 'db2', 'db10']],
  ['completely-different', []],
  ['xy', []],
  ['', []],
])('for %j it may have been %j', (wanted, expected) => {
  expect(nearestNames(wanted, KNOWN)).toEqual(expected);
});

it('names no more than asked for', () => {
  expect(nearestNames('db3', KNOWN, 1)).toEqual(['db1']);
});

it('takes any list of names, of ten thousand too', () => {
  const known = new Set(Array.from({ length: 10_000 }, (_, at) => `web${at}.example.org`));

  expect(nearestNames('wbe77.example.org', known, 1)).toEqual(['web77.example.org']);
});
