import { describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';

describe('waitFor', () => {
  it('returns the first answer that is there', async () => {
    const answers = [undefined, false, 'there', 'later'];
    await expect(waitFor(() => answers.shift(), { what: 'it', everyMs: 1 })).resolves.toBe('there');
  });

  it('takes a condition that throws as not met yet', async () => {
    let asked = 0;
    const condition = (): number => {
      asked += 1;
      if (asked < 3) throw new Error('not yet');
      return asked;
    };
    await expect(waitFor(condition, { what: 'it', everyMs: 1 })).resolves.toBe(3);
  });

  it('names what it waited for, and what it saw last', async () => {
    const waiting = waitFor(() => false, { what: 'three nodes', timeoutMs: 5, everyMs: 1 });
    await expect(waiting).rejects.toThrow('waited 0.005 s for three nodes; last: false');
    const throwing = waitFor(() => Promise.reject(new Error('no bus')), { what: 'a bus', timeoutMs: 5, everyMs: 1 });
    await expect(throwing).rejects.toThrow('last: Error: no bus');
  });

  it('ends when it is told to', async () => {
    const waiting = waitFor(() => false, { what: 'nothing', signal: AbortSignal.timeout(10) });
    await expect(waiting).rejects.toThrow(/aborted/i);
  });
});
