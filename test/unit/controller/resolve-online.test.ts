import { describe, expect, it } from 'vitest';
import type { RosterNode } from '../../../controller/directory.ts';
import { leaveOut, type Resolved } from '../../../controller/resolve.ts';

const nodes = ['db1', 'db2', 'db3', 'db4'].map((name): RosterNode => ({ name, state: 'joined', trusted: {} }));
const all: Resolved = { expected: nodes, undecided: new Set(['db1', 'db2']), fleetSize: 9 };
const left = (away: string[], limit?: { count: number } | { percent: number }): [string[], string[]] => {
  const { expected, fleetSize, undecided } = leaveOut(all, new Set(away), { limit, seed: 's' });
  expect(fleetSize).toBe(9);
  return [expected.map(({ name }) => name), [...undecided]];
};

describe('who is left when some are away', () => {
  it('are the others, with what is undecided of them', () => {
    expect(left([])).toEqual([
      ['db1', 'db2', 'db3', 'db4'],
      ['db1', 'db2'],
    ]);
    expect(left(['db2', 'db4'])).toEqual([['db1', 'db3'], ['db1']]);
    expect(left(['db1', 'db2', 'db3', 'db4'], { count: 1 })).toEqual([[], []]);
  });

  it('are as many as the limit says of those that are there, never one that is away', () => {
    expect(left(['db2'], { count: 3 })[0]).toEqual(['db1', 'db3', 'db4']);
    expect(left(['db1', 'db2'], { percent: 50 })[0]).toHaveLength(1);
    expect(['db3', 'db4']).toContain(left(['db1', 'db2'], { count: 1 })[0][0]);
  });
});
