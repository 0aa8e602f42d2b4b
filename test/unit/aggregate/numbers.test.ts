import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { countProcesses, countSignalled } from '../../../controller/aggregate/process-counts.ts';
import { createRoundTrips } from '../../../controller/aggregate/round-trip.ts';
import type { NodeResult } from '../../../controller/report.ts';

function statisticsOf(times: readonly number[]): ReturnType<ReturnType<typeof createRoundTrips>['statistics']> {
  const roundTrips = createRoundTrips();
  for (const ms of times) roundTrips.add(ms);
  return roundTrips.statistics();
}

describe('round trips', () => {
  test('have a median between the two in the middle', () => {
    expect(statisticsOf([3, 1, 2, 10])).toEqual({ count: 4, minMs: 1, medianMs: 2.5, p99Ms: 10, maxMs: 10 });
    expect(statisticsOf([5])).toEqual({ count: 1, minMs: 5, medianMs: 5, p99Ms: 5, maxMs: 5 });
  });

  test('have as p99 the smallest time that 99 of 100 do not exceed', () => {
    expect(statisticsOf(Array.from({ length: 200 }, (_, at) => at + 1))?.p99Ms).toBe(198);
  });

  test('say nothing while nobody answered', () => {
    expect(statisticsOf([])).toBeNull();
  });

  test('are in order for any times', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (times) => {
        const { minMs = 0, medianMs = 0, p99Ms = 0, maxMs = 0 } = statisticsOf(times) ?? {};
        expect([minMs, medianMs, maxMs].toSorted((a, b) => a - b)).toEqual([minMs, medianMs, maxMs]);
        expect(times.filter((ms) => ms <= p99Ms).length).toBeGreaterThanOrEqual(Math.floor(times.length * 0.99));
        expect(times).toContain(p99Ms);
      }),
    );
  });
});

describe('process totals', () => {
  const ok = (node: string, data: unknown): NodeResult => ({ node, state: 'ok', reason: null, data, ms: 1 });

  test('count processes, and the nodes that have any', () => {
    expect(countProcesses([ok('a', { count: 2, processes: [{}, {}] }), ok('b', { count: 0, processes: [] })])).toEqual({
      processes: 2,
      nodes: 1,
    });
  });

  test('count what was signalled, and read nothing into a node without an answer', () => {
    const killed = {
      signalled: [{ pid: 1, name: 'a' }],
      gone: [{ pid: 1, name: 'a' }],
      remaining: [],
      spared: [{ pid: 2 }],
    };
    const silent: NodeResult = { node: 'b', state: 'lost', reason: null, ms: null };
    expect(countSignalled([ok('a', killed), silent])).toEqual({ signalled: 1, gone: 1, remaining: 0, spared: 1 });
  });
});
