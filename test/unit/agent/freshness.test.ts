import { describe, expect, it } from 'vitest';
import { assertFresh, isFresh } from '../../../agent/freshness.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { clockSkewMs: skew, commandLifeMs: life, waitingCommandLifeMs: long } = LIMITS;

describe('a command is fresh', () => {
  /** Issued, expires and startBy, all in milliseconds from now. */
  const rows: readonly [string, number, number, number, string][] = [
    ['issued now', 0, life, life, 'accepted'],
    ['issued as far ahead as clocks may be apart', skew, skew + life, skew + life, 'accepted'],
    ['issued a millisecond further ahead', skew + 1, skew + life, skew + life, 'clock-skew'],
    ['in its last millisecond', 1 - life, 1, 1, 'accepted'],
    ['at the moment it expires', -life, 0, 0, 'too-late'],
    ['after it has expired', -life - 1, -1, -1, 'too-late'],
    ['valid for as long as may be', 0, life, life, 'accepted'],
    ['valid for a millisecond longer', 0, life + 1, life, 'lives-too-long'],
    ['that expires before it was issued', 0, -1, life, 'too-late'],
    ['at the moment until which it may start', -1, life - 1, 0, 'accepted'],
    ['after the moment until which it may start', -2, life - 2, -1, 'too-late'],
    ['from the future, however long it lives', skew + 1, skew + 10 * life, skew + life, 'clock-skew'],
    ['that would live for ever', 0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'lives-too-long'],
    ['issued at the beginning of time', -NOW, life, life, 'lives-too-long'],
  ];

  it.each(rows)('or not: %s', (_what, issued, expires, startBy, expected) => {
    const command = fleet.command('fresh', { issued: NOW + issued, expires: NOW + expires, startBy: NOW + startBy });
    expect(codeOf(() => assertFresh(command, NOW))).toBe(expected);
  });

  const toOne: Partial<Command> = { reply: 'rec', via: 'direct', target: { nodes: ['db1'] } };
  const changed: readonly [string, Partial<Command>, number, string][] = [
    ['that is recorded and for one node', {}, long, 'accepted'],
    ['that is so, for longer than its record', {}, long + 1, 'lives-too-long'],
    ['for two nodes', { target: { nodes: ['db1', 'db2'] } }, life + 1, 'lives-too-long'],
    ['for whoever matches', { target: { where: 'role=db' } }, life + 1, 'lives-too-long'],
    ['that is only heard', { reply: 'res' }, life + 1, 'lives-too-long'],
    ['that is broadcast', { via: 'all' }, life + 1, 'lives-too-long'],
  ];
  it.each(changed)('for days, or not: one %s', (_what, changes, lives, expected) => {
    const command = fleet.command('waits', { ...toOne, issued: NOW, expires: NOW + lives, startBy: NOW, ...changes });
    expect(codeOf(() => assertFresh(command, NOW))).toBe(expected);
    expect(isFresh(command, NOW)).toBe(expected === 'accepted');
  });

  it('and what is not says by how much, in words', () => {
    const late = fleet.command('late', { issued: NOW - life, expires: NOW - 1_500, startBy: NOW });
    expect(() => assertFresh(late, NOW)).toThrow('the command expired 1.5 s before it could start');
    const early = fleet.command('early', { issued: NOW + 90_000, expires: NOW + 90_001 });
    expect(() => assertFresh(early, NOW)).toThrow(
      /90 s in this node's future, .* signed at \d{4}-\d\d-\d\dT[\d:]{8}Z, and it is \d{4}-\d\d-\d\dT[\d:]{8}Z here/,
    );
  });
});
