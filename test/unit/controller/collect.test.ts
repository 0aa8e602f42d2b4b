import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Collector, type CollectOptions } from '../../../controller/collect.ts';
import type { NodeResult } from '../../../controller/report.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Result } from '../../../shared/wire/result.ts';
import { NOW } from '../../support/manual-clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A collector whose clock is that of the timers. */
function collect(options: Partial<CollectOptions> = {}) {
  const seen = {
    nodes: [] as NodeResult[],
    unmatched: [] as string[],
    tries: [] as (readonly string[])[],
    isDone: false,
  };
  const start = Date.now();
  const collector = new Collector(
    { expected: ['a', 'b'], hopeless: new Map(), ackTimeoutMs: 2_000, welcome: new Set(), ...options },
    {
      clock: { now: () => Date.now(), monotonic: () => Date.now() - start },
      tryAgain: (nodes) => seen.tries.push(nodes),
      onNode: (result) => seen.nodes.push(result),
      onUnmatched: (node) => seen.unmatched.push(node),
    },
  );
  void collector.done.then(() => (seen.isDone = true));
  const ends = (): string[] => seen.nodes.map(({ node, state }) => `${node} ${state}`);
  return { collector, seen, ends };
}

const from = (node: string, changes: Partial<Result> = {}): Result => ({
  id: new Uint8Array(16), job: 'j', command: new Uint8Array(32), node, seq: 0, now: NOW, kind: 'result', state: 'ok', ...changes,
}); // prettier-ignore
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('collecting', () => {
  it('ends with the last expected node, without waiting for anything', async () => {
    const { collector, seen, ends } = collect();
    collector.take(from('a'));
    await pass(0);
    expect(seen.isDone).toBe(false);
    collector.take(from('b', { state: 'failed', code: 'exit-code', reason: 'exit 1', data: { exit: 1 } }));
    await pass(0);
    expect(seen.isDone).toBe(true);
    expect(ends()).toEqual(['a ok', 'b failed']);
    expect(seen.nodes[1]).toEqual({
      node: 'b',
      state: 'failed',
      code: 'exit-code',
      reason: 'exit 1',
      data: { exit: 1 },
      ms: 0,
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('of nobody ends at once', async () => {
    const { seen } = collect({ expected: [] });
    await pass(0);
    expect(seen.isDone).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks the silent once more, at half of the time that they have', async () => {
    const { collector, seen } = collect();
    collector.take(from('a', { kind: 'ack' }));
    await pass(999);
    expect(seen.tries).toEqual([]);
    await pass(1);
    expect(seen.tries).toEqual([['b']]);
    await pass(10_000);
    expect(seen.tries).toHaveLength(1);
  });

  it('asks nobody again when all have been heard of', async () => {
    const { collector, seen } = collect();
    for (const node of ['a', 'b']) collector.take(from(node, { kind: 'ack' }));
    await pass(2_000);
    expect([seen.tries, seen.nodes]).toEqual([[], []]);
  });

  it('calls the silent unreachable when their time is over, and says how long that was', async () => {
    const { collector, seen, ends } = collect();
    collector.take(from('a'));
    await pass(1_999);
    expect(ends()).toEqual(['a ok']);
    await pass(1);
    expect(ends()).toEqual(['a ok', 'b unreachable']);
    expect(seen.nodes[1]).toMatchObject({ reason: 'no answer within 2 s, asked twice', ms: null });
    expect(seen.isDone).toBe(true);
  });

  it('waits for nobody of whom it was known before that no answer would count, and says why', async () => {
    const { collector, seen } = collect({ hopeless: new Map([['a', 'its credential has expired']]) });
    expect(seen.nodes).toMatchObject([{ node: 'a', state: 'unreachable', reason: 'its credential has expired' }]);
    collector.take(from('b'));
    await pass(0);
    expect(seen.isDone).toBe(true);
  });

  it('asks nobody again of whom no answer would count', async () => {
    const { seen } = collect({ hopeless: new Map([['a', 'its credential has expired']]) });
    await pass(1_000);
    expect(seen.tries).toEqual([['b']]);
  });

  it('says of a silent node until when it may still start, and that this is not its last word', async () => {
    vi.setSystemTime(new Date(2026, 0, 15, 12, 0, 0));
    const { seen } = collect({ expected: ['a'], mayStartUntil: Date.now() + 65_000 });
    await pass(2_000);
    expect(seen.nodes).toEqual([
      {
        node: 'a',
        isVerdict: true,
        state: 'unreachable',
        provisional: true,
        reason: 'no answer within 2 s, asked twice; it may still start until 12:01:05',
        ms: null,
      },
    ]);
  });

  it('says nothing of the kind where it is too late to start, nothing was sent, or the node had begun', async () => {
    const until = Date.now() + 65_000;
    const late = collect({ expected: ['a'], mayStartUntil: until, ackTimeoutMs: 65_001 });
    const hopeless = collect({ expected: ['a'], mayStartUntil: until, hopeless: new Map([['a', 'expired']]) });
    const begun = collect({ expected: ['a'], mayStartUntil: until });
    begun.collector.take(from('a', { kind: 'ack' }));
    begun.collector.stop('the wait was interrupted');
    await pass(65_001);
    const all = [late, hopeless, begun].flatMap(({ seen }) => seen.nodes);
    expect(all.map(({ state, provisional }) => [state, provisional])).toEqual([
      ['unreachable', undefined],
      ['unreachable', undefined],
    ]);
  });

  it('calls a node lost that acknowledged and then fell silent past its heartbeat', async () => {
    const { collector, ends } = collect({ expected: ['a'] });
    await pass(500);
    collector.take(from('a', { kind: 'ack' }));
    await pass(LIMITS.heartbeatLossMs - 1_000);
    expect(ends()).toEqual([]);
    await pass(3_000);
    expect(ends()).toEqual(['a lost']);
  });

  it('waits for as long as a node says that it is alive', async () => {
    const { collector, ends, seen } = collect({ expected: ['a'] });
    for (let beat = 0; beat < 20; beat++) {
      collector.take(from('a', { kind: beat % 2 === 0 ? 'ack' : 'output' }));
      await pass(LIMITS.heartbeatMs);
    }
    expect(ends()).toEqual([]);
    collector.take(from('a'));
    await pass(0);
    expect(seen.isDone).toBe(true);
    expect(ends()).toEqual(['a ok']);
  });

  it('gives up at the deadline of the whole, a grace later, on the running and on the silent', async () => {
    const { collector, ends, seen } = collect({ ackTimeoutMs: 60_000, deadlineMs: 3_000 });
    collector.take(from('a', { kind: 'ack' }));
    await pass(3_000 + LIMITS.deadlineGraceMs - 1);
    expect(ends()).toEqual([]);
    await pass(1);
    expect(ends()).toEqual(['a lost', 'b unreachable']);
    expect(seen.isDone).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives each node one final state: what comes later changes nothing', async () => {
    const { collector, ends } = collect();
    collector.take(from('a'));
    collector.take(from('a', { state: 'failed' }));
    await pass(2_000);
    collector.take(from('b'));
    collector.take(from('b', { kind: 'unmatched' }));
    expect(ends()).toEqual(['a ok', 'b unreachable']);
  });

  it('counts nodes that do not match apart', async () => {
    const { collector, seen } = collect();
    collector.take(from('a', { kind: 'unmatched' }));
    collector.take(from('b'));
    await pass(0);
    expect([seen.unmatched, seen.isDone]).toEqual([['a'], true]);
    expect(seen.nodes).toHaveLength(1);
  });

  it('ignores a stranger', async () => {
    const { collector, seen } = collect({ expected: ['a'] });
    collector.take(from('z'));
    expect(seen.nodes).toEqual([]);
    expect(collector.waiting).toEqual(['a']);
  });

  it('shows a stranger that matched, where it is welcome, and does not wait for one', async () => {
    const { collector, seen } = collect({ expected: ['a'], welcome: new Set(['x', 'y', 'z']) });
    collector.take(from('retired'));
    collector.take(from('y', { kind: 'ack' }));
    collector.take(from('x', { kind: 'unmatched' }));
    collector.take(from('z'));
    collector.take(from('z'));
    expect(seen.nodes).toMatchObject([{ node: 'z', state: 'ok', unexpected: true }]);
    expect(seen.unmatched).toEqual([]);
    collector.take(from('a'));
    await pass(0);
    expect(seen.isDone).toBe(true);
  });

  it('takes a final without a state for a sign of life', async () => {
    const { collector, ends } = collect({ expected: ['a'] });
    const { state: _state, ...without } = from('a');
    collector.take(without);
    await pass(2_000);
    expect(ends()).toEqual([]);
  });

  it('stops when the caller has heard enough, and gives the rest the state that is true then', async () => {
    const { collector, seen } = collect();
    collector.take(from('a'));
    expect(collector.stop('the wait was interrupted')).toEqual([]);
    await pass(60_000);
    expect(seen.isDone).toBe(true);
    expect(collector.waiting).toEqual([]);
    expect(seen.nodes.map(({ node, state }) => [node, state])).toContainEqual(['b', 'unreachable']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives no state to who runs it, and to whose turn had not come, when nobody waits any more', async () => {
    const { collector, ends, seen } = collect({ inTurns: true, expected: ['a', 'b', 'c'] });
    collector.start(['a', 'b']);
    collector.take(from('a', { kind: 'ack' }));
    expect(collector.stop('the wait was interrupted')).toEqual([
      { node: 'a', is: 'running', reason: 'had not ended when the wait was interrupted' },
      { node: 'c', is: 'to-come', reason: 'its turn had not come when the wait was interrupted' },
    ]);
    await pass(0);
    expect([ends(), seen.isDone, vi.getTimerCount()]).toEqual([['b unreachable'], true, 0]);
  });

  it('in turns gives each node its time from when it was sent to, and waits for those whose turn comes', async () => {
    const { collector, ends, seen } = collect({ inTurns: true });
    await pass(60_000);
    expect(seen).toMatchObject({ isDone: false, nodes: [], tries: [] });
    expect([collector.planned, collector.waiting]).toEqual([['a', 'b'], []]);
    collector.start(['b']);
    await pass(1_000);
    expect(seen.tries).toEqual([['b']]);
    collector.take(from('b'));
    expect(seen.nodes[0]).toMatchObject({ node: 'b', ms: 1_000 });
    collector.start(['a']);
    await pass(1_999);
    expect(ends()).toEqual(['b ok']);
    await pass(1);
    expect(ends()).toEqual(['b ok', 'a unreachable']);
    expect(seen.isDone).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('in turns says until when each may still start, and notices who is lost, whenever it began', async () => {
    const { collector, seen, ends } = collect({ inTurns: true });
    collector.start(['a'], Date.now() + 1_000);
    await pass(2_000);
    await pass(60_000);
    collector.start(['b']);
    collector.take(from('b', { kind: 'ack' }));
    await pass(LIMITS.heartbeatLossMs + 2_000);
    expect(ends()).toEqual(['a unreachable', 'b lost']);
    expect(seen.nodes[0]).not.toHaveProperty('provisional');
  });

  it('in turns takes no answer of a node that nothing was sent to, and skips it with a reason', async () => {
    const { collector, seen, ends } = collect({ inTurns: true });
    collector.take(from('b'));
    expect(ends()).toEqual([]);
    collector.start(['a']);
    collector.skip(['a', 'b'], { code: 'failure-limit', reason: 'never started: 1 failed' });
    expect(seen.nodes).toEqual([
      { node: 'b', state: 'skipped', code: 'failure-limit', reason: 'never started: 1 failed', ms: null },
    ]);
    collector.take(from('a'));
    await pass(0);
    expect(seen.isDone).toBe(true);
  });
});
