import { expect, it } from 'vitest';
import { compileBatch, type BatchOptions } from '../../../controller/batch/rules.ts';
import { worstCaseText } from '../../../controller/render/batch-words.ts';

it.each<[BatchOptions, number, string]>([
  [
    { window: { count: 3 }, canaries: 1, maxFailures: { count: 2 } },
    40,
    'At worst 5 of 40 nodes are hurt before it stops: 1 canary first, then 3 at a time, 2 failures are tolerated.',
  ],
  [
    { window: { count: 1 }, maxFailures: { count: 0 } },
    40,
    'At worst 1 of 40 nodes is hurt before it stops: 1 at a time, no failure is tolerated.',
  ],
  [
    { window: { percent: 10 } },
    40,
    'At worst all 40 nodes are hurt before it stops: 4 at a time, no --max-failures stops it.',
  ],
  [
    { maxFailures: { count: 2 } },
    40,
    'At worst all 40 nodes are hurt before it stops: all at once, --max-failures can hold nothing back (--batch would).',
  ],
  [
    { canaries: 3, window: { count: 2 }, maxFailures: { count: 1 } },
    3,
    'At worst 2 of 3 nodes are hurt before it stops: 3 canaries alone, 2 at a time.',
  ],
  [{ canaries: 1 }, 1, 'At worst the only node is hurt before it stops: 1 canary alone.'],
])('says the worst case before it starts: %j for %i', (options, nodes, text) => {
  expect(worstCaseText(compileBatch(options, nodes), nodes)).toBe(text);
});
