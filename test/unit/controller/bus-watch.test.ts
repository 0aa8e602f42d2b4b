import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusWatch } from '../../../controller/bus-watch.ts';
import type { BusEvent } from '../../../shared/bus.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeOf } from '../../support/refusal.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function watch() {
  let emit: (event: BusEvent) => void = () => undefined;
  const busWatch = new BusWatch({ onEvent: (listener) => void (emit = listener) });
  const lost: string[] = [];
  const unwatch = busWatch.onLost('fleet.main.res.alice.j.*', (why) => lost.push(why));
  return { busWatch, lost, unwatch, emit: (event: BusEvent) => emit(event) };
}

describe('the bus of a command that waits', () => {
  it('is lost when its connection has ended, once', () => {
    const { busWatch, emit, lost } = watch();
    busWatch.assertThere();
    emit({ type: 'closed' });
    emit({ type: 'closed' });
    expect(lost).toEqual(['the connection to the bus has ended']);
    expect(codeOf(() => busWatch.assertThere())).toBe('bus-lost');
  });

  it('is lost when it stays away, and not when it comes back in time', async () => {
    const { busWatch, emit, lost } = watch();
    emit({ type: 'disconnected' });
    await vi.advanceTimersByTimeAsync(LIMITS.busAbsenceMs - 1);
    emit({ type: 'reconnected' });
    await vi.advanceTimersByTimeAsync(LIMITS.busAbsenceMs);
    expect([lost, busWatch.lost]).toEqual([[], undefined]);
    emit({ type: 'disconnected' });
    await vi.advanceTimersByTimeAsync(LIMITS.busAbsenceMs);
    expect(lost).toEqual(['the bus does not come back']);
  });

  it('is as good as lost when it does not let the answers be heard: those, and no others', () => {
    const { busWatch, emit, lost } = watch();
    emit({ type: 'refused', operation: 'subscription', subject: 'fleet.main.res.alice.other.*' });
    expect(lost).toEqual([]);
    emit({ type: 'refused', operation: 'subscription', subject: 'fleet.main.res.alice.j.*' });
    expect(lost).toEqual(['the bus does not let this identity hear answers']);
    expect(busWatch.lost).toBeUndefined();
  });

  it('tells nobody who is done', () => {
    const { emit, lost, unwatch } = watch();
    unwatch();
    emit({ type: 'closed' });
    expect(lost).toEqual([]);
  });
});
