import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../../shared/errors.ts';
import { countStates, exitCodeOf, FINAL_STATES, type FinalState } from '../../../shared/states.ts';

/** The table of the design, said once more and differently: by what the states of all targets have in common. */
function expectedExit(states: readonly FinalState[]): number {
  if (states.length === 0) return 6;
  if (states.every((state) => state === 'ok')) return 0;
  if (states.every((state) => state === 'refused')) return 7;
  return states.includes('ok') ? 3 : 4;
}

describe('the exit code', () => {
  it('is right for every mixture of states', () => {
    // Every subset of the nine states, each held by one or by several targets.
    for (let subset = 0; subset < 2 ** FINAL_STATES.length; subset++) {
      const states = FINAL_STATES.filter((_, at) => (subset & (1 << at)) !== 0);
      expect(exitCodeOf(countStates(states))).toBe(expectedExit(states));
      expect(exitCodeOf(countStates([...states, ...states]))).toBe(expectedExit(states));
    }
  });

  it('depends on which states there are, never on how many or in which order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FINAL_STATES), { maxLength: 50 }), (states) => {
        expect(exitCodeOf(countStates(states))).toBe(expectedExit(states));
        expect(exitCodeOf(countStates([...states].reverse()))).toBe(expectedExit(states));
      }),
    );
  });

  it('takes a count of none for no target', () => {
    expect(exitCodeOf({})).toBe(EXIT.noMatch);
    expect(exitCodeOf({ ok: 0, lost: 0 })).toBe(EXIT.noMatch);
    expect(exitCodeOf({ ok: 3, failed: 0 })).toBe(EXIT.ok);
  });
});

describe('countStates', () => {
  it('counts each target once', () => {
    expect(countStates(['ok', 'lost', 'ok'])).toEqual({ ok: 2, lost: 1 });
  });
});
