import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BatchLeader, type LeadOptions } from '../../../../controller/batch/lead.ts';
import type { BatchRules } from '../../../../controller/batch/rules.ts';
import type { BatchPast } from '../../../../controller/batch/schedule.ts';
import { isLeadLost } from '../../../../controller/job/append-frame.ts';
import type { SignedCommand } from '../../../../controller/request.ts';
import { RefusedError, TransportError } from '../../../../shared/errors.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** One message for all that are signed at once, named by its nodes. */
const commandFor = (nodes: readonly string[]): SignedCommand => ({
  id: nodes.join('+'),
  payloadHash: '',
  bytes: new Uint8Array(),
  nodes,
});

/** A leader whose signatures are given when `sign` says so, or at once. */
function lead(rules: Partial<BatchRules>, expected: string[], options: Partial<LeadOptions> = {}) {
  const seen = {
    signed: [] as (readonly string[])[],
    sent: [] as string[],
    started: [] as string[],
    skipped: {} as Record<string, string>,
    failed: [] as unknown[],
    recalled: [] as string[],
    leadLost: 0,
  };
  const held: { sign: (() => Promise<void>) | undefined } = { sign: undefined };
  const leader = new BatchLeader(
    { rules: { window: 1, canaries: 0, tolerated: undefined, pauseMs: 0, ...rules }, expected, ...options },
    {
      clock: { now: () => Date.now(), monotonic: () => Date.now() },
      release: async (nodes) => {
        await held.sign?.();
        seen.signed.push(nodes);
        return { commands: [commandFor(nodes)], mayStartUntil: undefined };
      },
      recall: (nodes) => {
        seen.recalled.push(...nodes);
        return Promise.resolve({ commands: [commandFor(nodes)], mayStartUntil: undefined });
      },
      onLeadLost: () => seen.leadLost++,
      isLeadLost,
      send: ({ nodes = [] }, only) => seen.sent.push(...nodes.filter((node) => only.has(node))),
      onStart: (nodes) => seen.started.push(...nodes),
      onSkip: (nodes, { code }) => nodes.forEach((node) => (seen.skipped[node] = code)),
      onFailed: (error) => seen.failed.push(error),
    },
  );
  return { leader, seen, held };
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('leading a batch', () => {
  it('signs for a node when its turn has come, and not before; those that start together are signed together', async () => {
    const { leader, seen } = lead({ window: 2 }, ['n10', 'n9', 'n1']);
    leader.begin();
    await pass(0);
    expect(seen.signed).toEqual([['n1', 'n9']]);
    leader.ended('n9', 'ok');
    await pass(0);
    expect(seen.signed).toEqual([['n1', 'n9'], ['n10']]);
    expect(seen.started).toEqual(seen.sent);
    expect(leader.progress).toEqual({ canaries: { done: 0, of: 0 }, underWay: 2, failures: 0, tolerated: undefined });
  });

  it('pauses before a place is taken again, and not behind a node that did not match', async () => {
    const { leader, seen } = lead({ pauseMs: 5_000 }, ['a', 'b', 'c']);
    leader.begin();
    await pass(0);
    leader.ended('a', 'ok');
    await pass(4_999);
    expect(seen.sent).toEqual(['a']);
    await pass(1);
    expect(seen.sent).toEqual(['a', 'b']);
    leader.ended('b', 'unmatched');
    await pass(0);
    expect(seen.sent).toEqual(['a', 'b', 'c']);
    leader.ended('c', 'ok');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('pauses once between the canaries and all of the rest', async () => {
    const { leader, seen } = lead({ window: 4, canaries: 1, pauseMs: 5_000 }, ['a', 'b', 'c', 'd']);
    leader.begin();
    await pass(0);
    leader.ended('a', 'ok');
    await pass(4_999);
    expect(seen.sent).toEqual(['a']);
    await pass(1);
    expect(seen.sent).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets the next node be the canary where one did not match', async () => {
    const { leader, seen } = lead({ window: 4, canaries: 1 }, ['a', 'b', 'c', 'd']);
    leader.begin();
    await pass(0);
    leader.ended('a', 'unmatched');
    await pass(0);
    expect(seen.sent).toEqual(['a', 'b']);
    leader.ended('b', 'failed');
    expect(seen.skipped).toEqual({ c: 'canary-failed', d: 'canary-failed' });
  });

  it('sends nothing that was still being signed when the limit broke', async () => {
    const { held, leader, seen } = lead({ window: 2, tolerated: 0 }, ['a', 'b', 'c', 'd']);
    leader.begin();
    await pass(0);
    let give: () => void = () => undefined;
    held.sign = () => new Promise((resolve) => (give = resolve));
    leader.ended('a', 'ok');
    leader.ended('b', 'failed');
    expect(seen.skipped).toEqual({ c: 'failure-limit', d: 'failure-limit' });
    give();
    await pass(0);
    expect(seen.sent).toEqual(['a', 'b']);
    expect(leader.progress.underWay).toBe(0);
  });

  it('stops where it can no longer sign, and throws away nothing of what was done', async () => {
    const { held, leader, seen } = lead({}, ['a', 'b', 'c']);
    leader.begin();
    await pass(0);
    held.sign = () => Promise.reject(new RefusedError('the agent has gone', { code: 'no-signature' }));
    leader.ended('a', 'ok');
    await pass(0);
    expect(seen).toMatchObject({ sent: ['a'], failed: [], skipped: { b: 'no-signature', c: 'no-signature' } });
  });

  it('fails where nothing could be signed at all, and where something is broken', async () => {
    const first = lead({}, ['a', 'b']);
    const refused = new RefusedError('too large', { code: 'command-too-large' });
    first.held.sign = () => Promise.reject(refused);
    first.leader.begin();
    const later = lead({}, ['a', 'b']);
    later.leader.begin();
    await pass(0);
    const bug = new TypeError('a bug');
    later.held.sign = () => Promise.reject(bug);
    later.leader.ended('a', 'ok');
    await pass(0);
    expect([first.seen.failed, later.seen.failed]).toEqual([[refused], [bug]]);
  });

  it('starts nothing after the deadline of the whole', async () => {
    const { leader, seen } = lead({}, ['a', 'b'], { deadlineMs: 10_000 });
    leader.begin();
    await pass(10_000);
    expect(seen.skipped).toEqual({ b: 'deadline' });
    leader.ended('a', 'ok');
    await pass(0);
    expect(seen.sent).toEqual(['a']);
  });

  it('starts nothing by signatures of others that are over', async () => {
    const { leader, seen } = lead({}, ['a', 'b'], { usableUntil: Date.now() + 60_000 });
    leader.begin();
    await pass(60_001);
    leader.ended('a', 'ok');
    await pass(0);
    expect(seen).toMatchObject({ sent: ['a'], skipped: { b: 'approval-expired' } });
  });

  it('sends a silent node the very same again, and nobody else', async () => {
    const { leader, seen } = lead({ window: 2 }, ['a', 'b', 'c']);
    leader.begin();
    await pass(0);
    leader.sendAgain(['b', 'c']);
    expect(seen.sent).toEqual(['a', 'b', 'b']);
    expect(seen.signed).toHaveLength(1);
  });

  it('leads no more, and skips nothing, once somebody else has written', async () => {
    const { held, leader, seen } = lead({}, ['a', 'b', 'c']);
    leader.begin();
    await pass(0);
    held.sign = () => Promise.reject(new TransportError('stored meanwhile', { code: 'store-conflict' }));
    leader.ended('a', 'ok');
    await pass(0);
    leader.stop({ code: 'interrupted', reason: '' });
    leader.ended('b', 'ok');
    await pass(0);
    expect(seen).toMatchObject({ sent: ['a'], leadLost: 1, skipped: {}, failed: [] });
  });

  it('goes on where another ceased to: what had its turn is sent once more, and pauses end when they would have', async () => {
    const past: BatchPast = {
      released: ['a', 'b', 'c'],
      skipped: new Set(),
      outcomes: new Map([
        ['a', { state: 'ok', restMs: 0 }],
        ['c', { state: 'failed', restMs: 3_000 }],
      ]),
    };
    const rules = { window: 3, tolerated: 1, pauseMs: 5_000 };
    const { leader, seen } = lead(rules, ['a', 'b', 'c', 'd', 'e', 'f'], { past });
    leader.begin();
    await pass(2_999);
    expect(seen).toMatchObject({ recalled: ['b'], signed: [['d']], sent: ['b', 'd'] });
    await pass(1);
    expect(seen.sent).toEqual(['b', 'd', 'e']);
    leader.sendAgain(['b']);
    leader.ended('d', 'failed');
    expect(seen).toMatchObject({ sent: ['b', 'd', 'e', 'b'], skipped: { f: 'failure-limit' } });
  });

  it('leaves no timer behind when nobody waits any more', async () => {
    const { leader, seen } = lead({ pauseMs: 60_000 }, ['a', 'b'], { deadlineMs: 600_000 });
    leader.begin();
    await pass(0);
    leader.ended('a', 'ok');
    leader.end();
    await pass(600_000);
    expect(seen.sent).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
