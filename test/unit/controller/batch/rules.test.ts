import { describe, expect, it } from 'vitest';
import { compileBatch, worstCase, type BatchOptions } from '../../../../controller/batch/rules.ts';
import { codeOf } from '../../../support/refusal.ts';

describe('a batch for so many nodes', () => {
  it.each<[string, BatchOptions, number, object]>([
    ['rounds a share of the window down', { window: { percent: 25 } }, 10, { window: 2 }],
    ['has at least one node under way', { window: { percent: 1 } }, 10, { window: 1 }],
    ['rounds a share of failures down', { maxFailures: { percent: 19 } }, 10, { tolerated: 1 }],
    ['may tolerate none', { maxFailures: { percent: 9 } }, 10, { tolerated: 0 }],
    ['takes numbers as they are', { window: { count: 3 }, maxFailures: { count: 0 } }, 10, { window: 3, tolerated: 0 }],
    ['starts all at once unless it is told', { canaries: 2 }, 10, { window: 10, canaries: 2, tolerated: undefined }],
  ])('%s', (_what, options, nodes, rules) => {
    expect(compileBatch(options, nodes)).toMatchObject(rules);
  });
});

it.each<BatchOptions>([
  { canaries: NaN },
  { canaries: -1 },
  { pauseMs: 2 ** 31 },
  { pauseMs: -1 },
  { window: { count: 1.5 } },
  { window: { percent: NaN } },
  { maxFailures: { count: NaN } },
  { maxFailures: { percent: -10 } },
])('a batch with a number that nothing could be compared with is refused: %j', (options) => {
  expect(codeOf(() => compileBatch(options, 10))).toBe('bad-batch');
});

describe('the worst case', () => {
  const worst = (options: BatchOptions, nodes: number): number => worstCase(compileBatch(options, nodes), nodes);

  it.each<[string, BatchOptions, number, number]>([
    ['is the tolerance and the window around the one that breaks it', { window: { count: 3 }, maxFailures: { count: 2 } }, 40, 5],
    ['is one node where one goes at a time and none may fail', { window: { count: 1 }, maxFailures: { count: 0 } }, 40, 1],
    ['is all of them without a limit', { window: { count: 3 } }, 40, 40],
    ['is all of them where all start at once', { maxFailures: { count: 2 } }, 40, 40],
    ['is never more than there are', { window: { count: 30 }, maxFailures: { count: 20 } }, 40, 40],
    ['is all but the canaries without a limit', { canaries: 2 }, 40, 38],
    ['is a failing set of canaries where that is the larger', { canaries: 10, window: { count: 8 }, maxFailures: { count: 0 } }, 12, 8],
    ['has no more canaries under way than the window lets', { canaries: 5, window: { count: 1 }, maxFailures: { count: 0 } }, 40, 1],
    ['of canaries alone is all of them', { canaries: 50 }, 40, 40],
  ])('%s', (_what, options, nodes, expected) => {
    expect(worst(options, nodes)).toBe(expected);
  });
}); // prettier-ignore
