import { describe, expect, it } from 'vitest';
import { readBatch, type BatchFlags } from '../../../../controller/options/batch-options.ts';
import { codeOf } from '../../../support/refusal.ts';

const NONE = { defaults: {} };
const read = (flags: BatchFlags, defaults: BatchFlags = {}, effect: 'reads' | 'changes' = 'changes') =>
  readBatch(flags, { defaults }, effect);

describe('options of a batch', () => {
  it('that are not given make none', () => {
    expect(readBatch({}, NONE, 'changes')).toBeUndefined();
    expect(read({}, { batchPause: '5s' })).toBeUndefined();
  });

  it('are numbers, shares and durations', () => {
    expect(read({ batch: '10%', batchPause: '1m', canary: '2', maxFailures: '0' })).toEqual({
      window: { percent: 10 },
      pauseMs: 60_000,
      canaries: 2,
      maxFailures: { count: 0 },
    });
  });

  it('win over the defaults of the context, which are for what changes something', () => {
    const defaults = { batch: '5', canary: '1', maxFailures: '2' };
    expect(read({ canary: '3' }, defaults)).toMatchObject({
      window: { count: 5 },
      canaries: 3,
      maxFailures: { count: 2 },
    });
    expect(read({}, defaults, 'reads')).toBeUndefined();
    expect(read({ batch: '2' }, defaults, 'reads')).toEqual({ window: { count: 2 } });
  });

  it('take the defaults back', () => {
    const defaults = { batch: '5', canary: '1', maxFailures: '2' };
    expect(read({ batch: '100%', canary: '0', maxFailures: '100%' }, defaults)).toBeUndefined();
    expect(read({ batch: '100%', canary: '0' }, defaults)).toMatchObject({ maxFailures: { count: 2 } });
  });

  it.each<[BatchFlags, string]>([
    [{ batch: '0' }, 'bad-value'],
    [{ batch: '1.5' }, 'bad-value'],
    [{ batch: '101%' }, 'bad-value'],
    [{ canary: '1%' }, 'bad-value'],
    [{ canary: '-1' }, 'bad-value'],
    [{ maxFailures: '-1' }, 'bad-value'],
    [{ maxFailures: '' }, 'bad-value'],
    [{ batch: '1', batchPause: '10' }, 'bad-value'],
    [{ batch: '1', batchPause: '8d' }, 'bad-value'],
    [{ batchPause: '1s' }, 'bad-batch'],
    [{ batchPause: '1s', canary: '0' }, 'bad-batch'],
  ])('refuse %j: %s', (flags, code) => {
    expect(codeOf(() => read(flags))).toBe(code);
  });
});
