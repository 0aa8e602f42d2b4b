/** Who is asked again where the storage of a cluster has no leader, and who isn't. */
import { NatsError } from 'nats';
import { describe, expect, it } from 'vitest';
import { insist, patienceWith } from '../../../shared/bus/insist.ts';
import { LIMITS } from '../../../shared/limits.ts';

const info = (cluster?: string): never => ({ info: { cluster } }) as never;

/** Answers after it has failed in these ways. */
function failing(...codes: readonly string[]): { ask: () => Promise<string>; asked: () => number } {
  const left = [...codes];
  return {
    ask: () => {
      const code = left.shift();
      return code === undefined ? Promise.resolve('answer') : Promise.reject(new NatsError(code, code));
    },
    asked: () => codes.length - left.length,
  };
}

describe('the storage of the bus', () => {
  it('is asked again at a cluster while nobody answers', async () => {
    const { ask } = failing('TIMEOUT', '503', 'TIMEOUT');
    expect(await insist(patienceWith(info('fleet'), LIMITS.storagePatienceMs), ask)).toBe('answer');
  });

  it.each([
    ['of one server', info(), LIMITS.storagePatienceMs, 'TIMEOUT'],
    ['when there is no time for it', info('fleet'), 0, 'TIMEOUT'],
    ['when it says no', info('fleet'), LIMITS.storagePatienceMs, 'PERMISSIONS_VIOLATION'],
  ])('is asked once %s', async (_when, connection, forMs, code) => {
    const { ask, asked } = failing(code);
    await expect(insist(patienceWith(connection, forMs), ask)).rejects.toMatchObject({ code });
    expect(asked()).toBe(1);
  });
});
