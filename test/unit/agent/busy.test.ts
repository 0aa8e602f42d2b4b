import { beforeEach, describe, expect, it } from 'vitest';
import { whenBusy } from '../../../agent/busy.ts';
import { LIMITS } from '../../../shared/limits.ts';

describe('an agent', () => {
  let told = 0;
  let onMessage = whenBusy(() => told++);
  beforeEach(() => {
    told = 0;
    onMessage = whenBusy(() => told++);
  });

  it('is busy once many messages came within the window, and says so once', () => {
    for (let count = 1; count < LIMITS.busyMessages; count++) onMessage(0);
    expect(told).toBe(0);
    onMessage(LIMITS.busyWindowMs);
    expect(told).toBe(1);
    for (let count = 0; count < LIMITS.busyMessages; count++) onMessage(0);
    expect(told).toBe(1);
  });

  it('is not busy with a message now and then', () => {
    for (let count = 0; count < 10 * LIMITS.busyMessages; count++) onMessage((count * LIMITS.busyWindowMs) / 10);
    expect(told).toBe(0);
  });
});
