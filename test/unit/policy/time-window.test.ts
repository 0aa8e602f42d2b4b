import { describe, expect, it } from 'vitest';
import type { TimeWindow } from '../../../shared/policy/policy.ts';
import { compileWindow } from '../../../shared/policy/time-window.ts';

describe('a window of the week', () => {
  // 2026-11-24 is a Tuesday.
  const rows: readonly [TimeWindow, string, boolean][] = [
    [{ days: 'mon-fri' }, '2026-11-24T00:00Z', true],
    [{ days: 'mon-fri' }, '2026-11-28T12:00Z', false],
    [{ days: 'fri-mon' }, '2026-11-29T12:00Z', true],
    [{ days: 'fri-mon' }, '2026-11-24T12:00Z', false],
    [{ days: ['mon', 'wed-thu'] }, '2026-11-26T12:00Z', true],
    [{ from: '08:00', to: '18:00' }, '2026-11-24T08:00Z', true],
    [{ from: '08:00', to: '18:00' }, '2026-11-24T07:59Z', false],
    [{ from: '08:00', to: '18:00' }, '2026-11-24T18:00Z', false],
    [{ from: '08:00' }, '2026-11-24T23:59Z', true],
    [{ to: '24:00', days: 'tue' }, '2026-11-24T23:59Z', true],
    [{ to: '08:00' }, '2026-11-24T08:00Z', false],
    // Berlin is an hour ahead in winter, two in summer.
    [{ from: '08:00', to: '09:00', zone: 'Europe/Berlin' }, '2026-11-24T07:30Z', true],
    [{ from: '08:00', to: '09:00', zone: 'Europe/Berlin' }, '2026-07-24T07:30Z', false],
    [{ from: '08:00', to: '09:00', zone: 'Europe/Berlin' }, '2026-07-24T06:30Z', true],
    [{ days: 'wed', zone: 'Asia/Tokyo' }, '2026-11-24T15:00Z', true],
    [{ from: '22:00', to: '06:00' }, '2026-11-24T23:00Z', true],
    [{ from: '22:00', to: '06:00' }, '2026-11-24T05:59Z', true],
    [{ from: '22:00', to: '06:00' }, '2026-11-24T06:00Z', false],
    // Saturday's window goes on into Sunday; Friday's is none.
    [{ days: 'sat', from: '22:00', to: '06:00' }, '2026-11-29T03:00Z', true],
    [{ days: 'sat', from: '22:00', to: '06:00' }, '2026-11-28T03:00Z', false],
    [{ days: 'mon', from: '22:00', to: '06:00' }, '2026-11-24T03:00Z', true],
  ]; // prettier-ignore

  it.each(rows)('%j at %s: %s', (window, at, within) => {
    expect(compileWindow(window).includes(Date.parse(at))).toBe(within);
  });

  it('says what its clock shows', () => {
    const at = Date.parse('2026-11-24T23:30Z');
    expect(compileWindow({ days: 'mon-fri', from: '08:00', zone: 'Europe/Berlin' }).text).toBe(
      'mon-fri 08:00-24:00 Europe/Berlin',
    );
    expect(compileWindow({ zone: 'Europe/Berlin', to: '01:00' }).describe(at)).toBe('wed 00:30 Europe/Berlin');
  });
});
