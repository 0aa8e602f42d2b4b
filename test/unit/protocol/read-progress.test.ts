import { describe, expect, it } from 'vitest';
import { parseDelivery, ReadProgress } from '../../../shared/read-progress.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';

const CREATED = NOW;

/** A reader whose consumer was made at CREATED, when there were so many subjects; and its clock. */
function reader(subjects: number): { progress: ReadProgress; clock: ManualClock } {
  const clock = new ManualClock();
  const progress = new ReadProgress({ clock });
  progress.created(CREATED, subjects);
  return { progress, clock };
}

describe('reading all entries', () => {
  it('is complete when every subject has come, and not before', () => {
    const { progress } = reader(2);
    expect(progress.hasAll(0)).toBe(false);
    expect(progress.delivered({ number: 1, storedAt: CREATED - 10 }, 1)).toBe('more');
    expect(progress.delivered({ number: 2, storedAt: CREATED - 8 }, 1)).toBe('more');
    expect(progress.delivered({ number: 3, storedAt: CREATED - 5 }, 2)).toBe('complete');
  });

  it('has nothing to wait for in an empty stream', () => {
    expect(reader(0).progress.hasAll(0)).toBe(true);
  });

  it('notices a delivery that is missing', () => {
    const { progress } = reader(3);
    expect(progress.delivered({ number: 1, storedAt: CREATED - 10 }, 1)).toBe('more');
    expect(progress.delivered({ number: 3, storedAt: CREATED - 9 }, 2)).toBe('gap');
  });

  it('is complete with an entry that was stored well after the reader had caught up', () => {
    const { progress, clock } = reader(9);
    expect(progress.delivered({ number: 1, storedAt: CREATED - 10 }, 1)).toBe('more');
    clock.advance(300);
    // Stored after the consumer was made, delivered 300 ms later: up to there, entries may have been replaced.
    expect(progress.delivered({ number: 2, storedAt: CREATED + 20 }, 2)).toBe('more');
    expect(progress.delivered({ number: 3, storedAt: CREATED + 499 }, 2)).toBe('more');
    expect(progress.delivered({ number: 4, storedAt: CREATED + 501 }, 2)).toBe('complete');
  });

  it('takes an idle server for the end only when all that it sent has come', () => {
    const { progress } = reader(3);
    progress.delivered({ number: 1, storedAt: CREATED - 10 }, 1);
    expect(progress.isIdleAfter(2)).toBe(false);
    expect(progress.isIdleAfter(1)).toBe(true);
  });

  it('reads a delivery from its reply subject', () => {
    expect(parseDelivery('$JS.ACK.STREAM.reader.1.120.7.1767225600123000000.3')).toEqual({
      sequence: 120,
      number: 7,
      storedAt: 1_767_225_600_123,
    });
  });
});
