/** What a collector makes of nodes that are away, when what they were sent waits for them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Collector, type CollectOptions } from '../../../controller/collect.ts';
import type { NodeResult } from '../../../controller/report.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Result } from '../../../shared/wire/result.ts';
import { NOW } from '../../support/manual-clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function collect(options: Partial<CollectOptions> = {}) {
  const seen = { nodes: [] as NodeResult[], silent: [] as (readonly string[])[], isDone: false };
  const start = Date.now();
  const collector = new Collector(
    { expected: ['a', 'b'], hopeless: new Map(), ackTimeoutMs: 2_000, welcome: new Set(), ...options },
    {
      clock: { now: () => Date.now(), monotonic: () => Date.now() - start },
      tryAgain: () => undefined,
      onSilent: (nodes) => seen.silent.push(nodes),
      onNode: (result) => seen.nodes.push(result),
      onUnmatched: () => undefined,
    },
  );
  void collector.done.then(() => (seen.isDone = true));
  return { collector, seen, ends: () => seen.nodes.map(({ node, state }) => `${node} ${state}`) };
}

const from = (node: string, changes: Partial<Result> = {}): Result => ({
  id: new Uint8Array(16), job: 'j', command: new Uint8Array(32), node, seq: 0, now: NOW, kind: 'result', state: 'ok', ...changes,
}); // prettier-ignore
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('nodes that are away', () => {
  it('are told of when their time to acknowledge is over, and get no state from that', async () => {
    const { collector, seen } = collect();
    collector.take(from('a'));
    await pass(2_000);
    expect(seen.silent).toEqual([['b']]);
    await pass(LIMITS.heartbeatLossMs * 2);
    expect([seen.isDone, seen.nodes.length]).toEqual([false, 1]);
    collector.leave(['b']);
    await pass(0);
    expect([seen.isDone, collector.left]).toEqual([true, ['b']]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are concluded where nothing could be left for them', async () => {
    const { collector, seen, ends } = collect();
    collector.take(from('a'));
    await pass(2_000);
    collector.conclude({ node: 'b', state: 'unreachable', code: 'queue-full', reason: 'full', ms: null });
    await pass(0);
    expect([seen.isDone, ends(), collector.left]).toEqual([true, ['a ok', 'b unreachable'], []]);
  });

  it('are waited for when they are heard of before they are left, or after', async () => {
    const { collector, seen, ends } = collect({ expected: ['a', 'b', 'c'] });
    collector.take(from('a', { kind: 'ack' }));
    await pass(2_000);
    collector.take(from('b', { kind: 'ack' }));
    collector.leave(['b', 'c']);
    expect(collector.left).toEqual(['c']);
    collector.take(from('c', { kind: 'ack' }));
    expect(collector.left).toEqual([]);
    for (const node of ['a', 'b', 'c']) collector.take(from(node));
    await pass(0);
    expect([seen.isDone, ends()]).toEqual([true, ['a ok', 'b ok', 'c ok']]);
  });

  it('are not lost to who follows, until they have been heard of', async () => {
    const { collector, ends } = collect({ isUnderWay: true, ackTimeoutMs: 0 });
    collector.hold(['b']);
    await pass(LIMITS.heartbeatLossMs + LIMITS.heartbeatMs + 1_000);
    expect(ends()).toEqual(['a lost']);
    expect(collector.held).toEqual(['b']);
    collector.take(from('b', { kind: 'ack' }));
    await pass(LIMITS.heartbeatLossMs + 2_000);
    expect(ends()).toEqual(['a lost', 'b lost']);
  });
});
