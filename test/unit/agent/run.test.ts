import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import type { ActionContext, ActionOutcome, RunnableAction } from '../../../agent/actions/action.ts';
import { runAction, type Ran } from '../../../agent/run.ts';
import { ActionError, RefusedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

const log = recordingLog();
const definition = {
  name: 'try',
  description: '',
  effect: 'reads',
  input: z.unknown(),
  output: z.object({ n: z.number() }),
  timeoutMs: 1_000,
} as const;

let beats = 0;
const run = (action: RunnableAction['run'], stop = new AbortController().signal): Promise<Ran> =>
  runAction(
    {
      action: { definition, run: action },
      input: {},
      timeoutMs: 60_000,
      context: { node: 'db1', job: '1', caller: { name: 'alice', roles: [] }, dryRun: false },
      stop,
      onRunning: () => beats++,
    },
    { clock: new ManualClock(), log },
  );

/** Never ends by itself. */
const untilAborted = ({ signal }: ActionContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const ok: ActionOutcome = { state: 'ok', data: { n: 1 } };

beforeEach(() => {
  beats = 0;
  log.events.length = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe('running an action', () => {
  it('gives its outcome, and leaves no timer', async () => {
    expect((await run(() => Promise.resolve(ok))).outcome).toEqual(ok);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says that it runs only when it takes longer than a moment, then with every heartbeat', async () => {
    let end: (outcome: ActionOutcome) => void = () => undefined;
    const running = run(() => new Promise((resolve) => (end = resolve)));
    await vi.advanceTimersByTimeAsync(LIMITS.quickResultMs - 1);
    expect(beats).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(beats).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * LIMITS.heartbeatMs);
    expect(beats).toBe(3);
    end(ok);
    await running;
    await vi.advanceTimersByTimeAsync(10 * LIMITS.heartbeatMs);
    expect(beats).toBe(3);
  });

  it('tells it to stop at its time limit, and why', async () => {
    let reason: unknown;
    const running = run((_input, { signal }) => {
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          resolve({ state: 'timeout' });
        }),
      );
    });
    await vi.advanceTimersByTimeAsync(59_999);
    expect(reason).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect((await running).outcome.state).toBe('timeout');
    expect(reason).toBe('timeout');
  });

  it('takes what an action throws because it was told to stop for just that', async () => {
    const late = run((_input, context) => untilAborted(context));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await late).outcome).toMatchObject({ state: 'timeout', code: 'timeout' });
    const stop = new AbortController();
    const cancelled = run((_input, context) => untilAborted(context), stop.signal);
    stop.abort('cancelled');
    expect((await cancelled).outcome).toMatchObject({ state: 'cancelled', code: 'cancelled' });
    expect(log.events).toEqual([]);
  });

  it('does not wait for ever for one that goes on when told to stop: it ends, and so do the signs of life', async () => {
    const deaf = (): Promise<never> => new Promise(() => undefined);
    const late = run(deaf);
    await vi.advanceTimersByTimeAsync(60_000 + LIMITS.stopGraceMs);
    expect((await late).outcome).toMatchObject({ state: 'timeout', code: 'did-not-stop' });
    const stop = new AbortController();
    const cancelled = run(deaf, stop.signal);
    stop.abort('cancelled');
    await vi.advanceTimersByTimeAsync(LIMITS.stopGraceMs);
    expect((await cancelled).outcome).toMatchObject({ state: 'cancelled', code: 'did-not-stop' });
    expect(log.events.map(({ level }) => level)).toEqual(['error', 'error']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves nothing behind of one that breaks long after it was given up', async () => {
    let fail: (error: Error) => void = () => undefined;
    const late = run(() => new Promise((_resolve, reject) => (fail = reject)));
    await vi.advanceTimersByTimeAsync(60_000 + LIMITS.stopGraceMs);
    await late;
    fail(new Error('oops'));
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes a refusal for a refusal, and a failure for a failure', async () => {
    const refused = await run(() => Promise.reject(new RefusedError('no', { code: 'no-such-task' })));
    expect(refused.outcome).toEqual({ state: 'refused', code: 'no-such-task', reason: 'no' });
    const failed = await run(() => Promise.reject(new ActionError('broke', { code: 'not-found' })));
    expect(failed.outcome).toEqual({ state: 'failed', code: 'not-found', reason: 'broke' });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('oops'))],
    ['throws before it gives a promise', () => { throw new Error('oops'); }],
    ['throws what is no error', () => Promise.reject('oops')],
    ['gives data of another shape', () => Promise.resolve({ state: 'ok' as const, data: { n: 'one' } })],
  ])('calls an action that %s broken, tells the log and not the caller', async (_what, action) => {
    const { outcome } = await run(action);
    expect(outcome).toMatchObject({ state: 'failed', code: 'internal' });
    expect(outcome.reason).not.toContain('oops');
    expect(log.events.map(({ level }) => level)).toEqual(['error']);
    expect(vi.getTimerCount()).toBe(0);
  }); // prettier-ignore

  it('lets through only what the output promises', async () => {
    const { outcome } = await run(() => Promise.resolve({ state: 'ok', data: { n: 1, secret: 2 } }));
    expect(outcome.data).toEqual({ n: 1 });
  });
});
