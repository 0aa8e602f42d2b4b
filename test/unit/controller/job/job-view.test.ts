/** What a record comes to: nodes' own words first, the caller's conclusions where there are none, and nothing invented. */
import { describe, expect, it } from 'vitest';
import { assembleFrames, viewJob, type JobFrames } from '../../../../controller/job/job-view.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import type { JobBegun, JobEnded, JobFrame } from '../../../../shared/wire/job.ts';
import type { Result } from '../../../../shared/wire/result.ts';
import { NOW } from '../../../support/manual-clock.ts';

const head = { subject: 's', revision: 1, job: 'j', caller: 'alice' };
const bytes = (length: number): Uint8Array => new Uint8Array(length);
const begun: JobBegun = {
  ...head,
  type: 'begun',
  command: 'exec',
  action: 'exec',
  effect: 'changes',
  args: {},
  target: {},
  expected: ['a', 'b', 'c'],
  messages: [{ id: bytes(16), payload: bytes(32), nodes: [0, 1] }],
  issued: NOW,
  startBy: NOW + 7_000,
  until: NOW + 60_000,
};
const OVER = NOW + 60_000 + LIMITS.deadlineGraceMs;
const ended = (verdicts: JobEnded['verdicts'], exit = 3): JobEnded => ({
  ...head,
  type: 'ended',
  at: NOW + 5_000,
  exit,
  states: {},
  unmatched: 0,
  verdicts,
});
const frames = (end?: JobEnded): JobFrames => ({
  begun,
  sent: [],
  queued: [],
  verdicts: end?.verdicts ?? [],
  leader: undefined,
  cancelled: undefined,
  ended: end,
});
const result = (node: string, changes: Partial<Result> = {}): [string, Result] => [
  node,
  { id: bytes(16), job: 'j', command: bytes(32), node, seq: 0, now: NOW, kind: 'result', state: 'ok', ...changes },
];
const statesOf = ({ nodes }: ReturnType<typeof viewJob>): unknown =>
  Object.fromEntries(nodes.map(({ node, state }) => [node, state]));

describe('a node that was away', () => {
  const startBy = NOW + 30_000;
  const queuedAt = (nodes: number[]): JobFrames['queued'][number] => ({ ...head, type: 'queued', at: NOW + 2_000, nodes, startBy }); // prettier-ignore
  const waitingFrames = (end?: JobEnded): JobFrames => ({ ...frames(end), queued: [queuedAt([1])] });
  const ok = new Map([result('a'), result('c')]);

  it('is waited for until its time is over, also when the command line has ended', () => {
    expect(viewJob(waitingFrames(ended([], 0)), ok, startBy + LIMITS.clockSkewMs)).toMatchObject({
      waiting: ['b'],
      waitingUntil: startBy,
      running: [],
      isOver: false,
      exit: 0,
    });
  });

  it('is not said to run after that, and is expired when what it may have begun is over', () => {
    const long: JobFrames = { ...waitingFrames(ended([], 0)), begun: { ...begun, until: startBy + 600_000 } };
    expect(viewJob(long, ok, startBy + LIMITS.clockSkewMs + 1)).toMatchObject({
      running: [],
      waiting: ['b'],
      waitingUntil: startBy,
      isOver: false,
    });
    const over = viewJob(waitingFrames(ended([], 0)), ok, startBy + LIMITS.clockSkewMs + 1);
    expect(over).toMatchObject({ isOver: true, exit: 3, waiting: [], running: [], waitingUntil: undefined });
    expect(statesOf(over)).toEqual({ a: 'ok', b: 'expired', c: 'ok' });
  });

  it('counts by what it said when it came back, and the exit code is of that', () => {
    const finals = new Map([...ok, result('b', { state: 'failed' })]);
    expect(viewJob(waitingFrames(ended([], 0)), finals, NOW)).toMatchObject({ isOver: true, exit: 3 });
  });
});

describe('the view of a job', () => {
  it('runs on the nodes that have not said how it ended, until its time is over', () => {
    const finals = new Map([result('a', { timing: { received: 10, started: 12, ended: 42 } })]);
    expect(viewJob(frames(), finals, NOW)).toMatchObject({
      nodes: [{ node: 'a', state: 'ok', ms: 32 }],
      running: ['b', 'c'],
      isOver: false,
      exit: 0,
    });
    expect(viewJob(frames(), finals, OVER).isOver).toBe(false);
    const over = viewJob(frames(), finals, OVER + 1);
    // To c, nothing was ever sent.
    expect(statesOf(over)).toEqual({ a: 'ok', b: 'lost', c: 'skipped' });
    expect(over).toMatchObject({ isOver: true, exit: 3 });
  });

  it('lasts until its caller ended it, or else until the last of its nodes has said so', () => {
    const finals = new Map(['a', 'b', 'c'].map((node, place) => result(node, { now: NOW + place * 1_000 })));
    expect(viewJob(frames(), finals, NOW + 9_000)).toMatchObject({ isOver: true, overSince: NOW + 2_000 });
    expect(viewJob(frames(ended([])), finals, NOW + 9_000).overSince).toBe(NOW + 5_000);
    expect(viewJob(frames(), new Map(), NOW + 9_000).overSince).toBeUndefined();
    expect(viewJob(frames(), new Map(), OVER + 9_000).overSince).toBe(OVER);
  });

  it('has what its caller concluded of who was silent', () => {
    const end = ended([
      { state: 'unreachable', reason: 'no answer', nodes: [0, 1] },
      { state: 'refused', code: 'too-late', reason: 'late', nodes: [2] },
    ]);
    const view = viewJob(frames(end), new Map(), NOW);
    expect(view.nodes).toMatchObject([
      { node: 'a', state: 'unreachable', reason: 'no answer' },
      { node: 'b', state: 'unreachable' },
      { node: 'c', state: 'refused', code: 'too-late' },
    ]);
    expect(view).toMatchObject({ isOver: true, exit: 3 });
  });

  it('puts an answer that came later in the place of a conclusion, says so, and keeps the exit code that was given', () => {
    const end = ended([{ state: 'lost', reason: 'silent', nodes: [0] }, { state: 'refused', reason: 'no', nodes: [1] }], 4); // prettier-ignore
    const finals = new Map([result('a'), result('b', { state: 'refused' }), result('c')]);
    const view = viewJob(frames(end), finals, NOW);
    expect(view.nodes.map(({ node, state, amended }) => [node, state, amended])).toEqual([
      ['a', 'ok', true],
      ['b', 'refused', undefined],
      ['c', 'ok', undefined],
    ]);
    expect(view.exit).toBe(4);
  });

  it('has the exit code of its states where a service said the end: its word for one is not taken', () => {
    const finals = new Map([result('a', { state: 'failed' }), result('b'), result('c')]);
    expect(viewJob(frames({ ...ended([], 0), by: 'one' }), finals, NOW)).toMatchObject({ isOver: true, exit: 3 });
    expect(viewJob(frames(ended([], 0)), finals, NOW).exit).toBe(0);
  });

  it('takes turns that a service gave only of a job that others may lead', () => {
    const times = { startBy: NOW, until: NOW };
    const messages = [{ id: bytes(16), payload: bytes(32), nodes: [0] }];
    const sent: JobFrame = { ...head, by: 'one', type: 'sent', messages, ...times };
    const taken = { ...head, by: 'one', type: 'taken', at: NOW } as const;
    expect(assembleFrames([begun, taken, sent])).toMatchObject({ sent: [], leader: undefined });
    const batch = { window: 1, canaries: 0, pauseMs: 0, ackTimeoutMs: 1, deadline: NOW, chunks: 1 };
    expect(assembleFrames([{ ...begun, batch }, taken, sent])).toMatchObject({ sent: [sent], leader: 'one' });
  });

  it('counts nodes that no longer matched apart', () => {
    const finals = new Map([result('a', { kind: 'unmatched', state: undefined }), result('b'), result('c')]);
    expect(viewJob(frames(), finals, NOW)).toMatchObject({ unmatched: ['a'], isOver: true, exit: 0 });
  });

  it('is none without its first frame, and takes the first of each', () => {
    expect(assembleFrames([ended([])])).toBeUndefined();
    const two = assembleFrames([begun, ended([], 3), { ...begun, expected: [] }, ended([], 0)]);
    expect(two).toMatchObject({ begun: { expected: ['a', 'b', 'c'] }, ended: { exit: 3 } });
  });
});
