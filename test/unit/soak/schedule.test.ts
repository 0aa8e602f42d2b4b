/** What a soak does follows from its seed, and is nothing that no fleet could stand. */
import { describe, expect, it } from 'vitest';
import { COMMANDS, FAULTS, plan, type FaultKind } from '../../soak/schedule.ts';

const OPTIONS = {
  lastsMs: 60 * 60_000,
  nodes: ['n1', 'n2', 'n3', 'n4'],
  servers: ['bus1', 'bus2', 'bus3'],
  services: ['c1', 'c2'],
};

describe('the schedule of a soak', () => {
  it('is the same for the same seed, and another for another', () => {
    const [one, again, other] = [1, 1, 2].map((seed) => plan({ ...OPTIONS, seed }));
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('does every kind of harm in an hour, to the bus one at a time, and to each node', () => {
    const { faults } = plan({ ...OPTIONS, seed: 7 });
    const kinds = Object.keys(FAULTS) as FaultKind[];
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(kinds));
    for (const name of ['bus', ...OPTIONS.nodes, ...OPTIONS.services]) {
      const own = faults.filter(({ kind, victim }) => (FAULTS[kind].to === 'server' ? 'bus' : victim) === name);
      for (const [at, fault] of own.entries()) {
        expect(fault.until).toBeGreaterThan(fault.from);
        if (at > 0) expect(fault.from).toBeGreaterThan(own[at - 1]!.until);
      }
    }
  });

  it('gives each command a name of its own', () => {
    const { commands } = plan({ ...OPTIONS, seed: 3 });
    expect(new Set(commands.map(({ id }) => id)).size).toBe(commands.length);
    expect(new Set(commands.map(({ kind }) => kind))).toEqual(new Set(COMMANDS));
  });
});
