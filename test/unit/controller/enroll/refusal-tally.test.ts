import { describe, expect, it } from 'vitest';
import { RefusalTally } from '../../../../controller/enroll/refusal-tally.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const refused = (changes: object = {}) => ({
  outcome: 'refused' as const,
  code: 'token-used-up',
  token: 't1',
  name: 'web1',
  ...changes,
});

describe('refusals in the audit trail', () => {
  it('are told at once, and those that follow as one: how many, and who', () => {
    const clock = new ManualClock();
    const tally = new RefusalTally({ clock });
    expect(tally.note(refused())).toEqual([
      {
        event: 'enroll-refuse',
        decision: { allowed: false, code: 'token-used-up' },
        details: { code: 'token-used-up', token: 't1', name: 'web1' },
      },
    ]);
    for (let index = 2; index < 40; index++) expect(tally.note(refused({ name: `web${index}` }))).toEqual([]);
    expect(tally.due()).toEqual([]);
    clock.advance(LIMITS.enrollTallyMs);
    const [event, ...others] = tally.due();
    expect(others).toEqual([]);
    expect(event).toMatchObject({ times: 38, details: { code: 'token-used-up', token: 't1' } });
    expect(event!.details!['names']).toHaveLength(20);
    // And from the beginning.
    expect(tally.note(refused())).toHaveLength(1);
  });

  it('are told apart by token and reason, in bounded number, whatever somebody sends', () => {
    const tally = new RefusalTally({ clock: new ManualClock() });
    let told = 0;
    for (let index = 0; index < 10_000; index++)
      told += tally.note(refused({ code: index % 2 === 0 ? 'unknown-token' : 'bad-name', token: `t${index}` })).length;
    expect(told).toBeLessThan(300);
    const counted = tally.due(true).reduce((sum, { times = 0 }) => sum + times, 0);
    expect(told + counted).toBe(10_000);
  });
});
