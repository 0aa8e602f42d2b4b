/**
 * Records of jobs, frames of any content in any order and whatever nodes stored beside them: `[now, frames, finals]`. Every
 * expected node is in exactly one state at any time, and whoever takes over knows nobody twice.
 */
import { rebuildBatch } from '../../../controller/batch/rebuild.ts';
import { assembleFrames, viewJob } from '../../../controller/job/job-view.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { FINAL_STATES } from '../../../shared/states.ts';
import { decodeJobFrame, type JobFrame } from '../../../shared/wire/job.ts';
import { decodeResult, type Result } from '../../../shared/wire/result.ts';
import { bytesFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const jobView: FuzzTarget = {
  name: 'job-view',
  about:
    'records of jobs, frames and finals of any content in any order: every node is in one state, and nothing throws',
  sources: ['controller/job/job-view.ts', 'controller/batch/rebuild.ts', 'shared/wire/job.ts'],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'begun sent queued concluded taken cancelled ended subject revision job caller by type command action effect args target where expected messages id payload nodes issued startBy until batch window canaries tolerated pauseMs ackTimeoutMs deadline chunks retryOf at exit states unmatched verdicts state code reason unreachable lost skipped refused ok failed kind result db1 db2 db3'.split(
      ' ',
    ),
  work: { base: 2_000_000, perByte: 3_000 },
  start: () => Promise.resolve(running()),
};

const MOST = 12;

function running(): RunningTarget {
  const [id, payload] = [bytesFrom('id', 16), bytesFrom('payload')];
  const head = { subject: 's', revision: 1, job: 'j', caller: 'alice' };
  const message = { id, payload, nodes: [0, 1] };
  const times = { startBy: NOW + 7_000, until: NOW + 67_000 };
  const verdicts = [{ state: 'unreachable', reason: 'no answer', nodes: [1, 9] }];
  const begun = { ...head, type: 'begun', command: 'exec', action: 'exec', effect: 'changes', args: {}, target: {}, expected: ['db1', 'db2', 'db3'], messages: [message], issued: NOW, ...times }; // prettier-ignore
  const batch = { window: 1, canaries: 0, tolerated: 0, pauseMs: 5, ackTimeoutMs: 2_000, deadline: NOW + 9, chunks: 1 };
  const sent = { ...head, type: 'sent', messages: [{ ...message, nodes: [2, 7] }], ...times, verdicts };
  const queued = { ...head, type: 'queued', at: NOW, nodes: [1, 2], startBy: NOW + 60_000 };
  const concluded = {
    ...head,
    type: 'concluded',
    at: NOW,
    verdicts: [{ state: 'skipped', reason: 'never', nodes: [2] }],
  };
  const taken = { ...head, type: 'taken', at: NOW, by: 'serve1' };
  const cancelled = { ...head, type: 'cancelled', at: NOW };
  const ended = { ...head, type: 'ended', at: NOW, exit: 3, states: { ok: 1 }, unmatched: 0, verdicts };
  const final = { id, job: 'j', command: payload, node: 'db1', seq: 0, now: NOW, kind: 'result', state: 'ok', timing: { received: 1, ended: 2 } }; // prettier-ignore
  const unmatched = { ...final, node: 'db2', kind: 'unmatched', state: undefined };
  const far = NOW + LIMITS.queueKeepMs;
  const seeds = [
    [NOW, [begun, ended], [final]],
    [NOW, [{ ...begun, messages: [], batch }, sent, concluded, taken], [final, unmatched]],
    [NOW, [taken, sent, begun, cancelled], []],
    [NOW, [begun, queued, ended], [{ ...final, node: 'db3', state: 'failed' }]],
    [far, [begun, queued], []],
    [far, [sent, begun], [unmatched]],
  ].map((seed) => encode(seed));

  return {
    seeds,
    run: (input) => {
      let item: unknown;
      if (codeOf(() => (item = decode(input))) !== 'accepted' || !Array.isArray(item)) return 'no record';
      const [at, someFrames, someFinals] = item as unknown[];
      const now = typeof at === 'number' && at >= 0 && at <= LIMITS.latestMomentMs ? at : NOW;
      const frames = read(someFrames, decodeJobFrame);
      const finals = new Map<string, Result>();
      for (const one of read(someFinals, decodeResult))
        if ((one.kind === 'result' || one.kind === 'unmatched') && !finals.has(one.node)) finals.set(one.node, one);
      const assembled = assembleFrames(frames);
      if (assembled === undefined) return 'not begun';
      const view = viewJob(assembled, finals, now);
      const { expected } = assembled.begun;
      const open = [view.running, view.waiting, view.planned].flat();
      const places = [view.nodes.map(({ node }) => node), view.unmatched, open].flat();
      promise(new Set(places).size === places.length, 'a node in two states');
      promise(
        [...places].sort().join(' ') === [...expected].sort().join(' '),
        'a node in none, or one that is not expected',
      );
      for (const { state } of view.nodes) promise(FINAL_STATES.includes(state), `the state ${state}`);
      promise(view.isOver === (open.length === 0), 'over, and still waited for');
      promise(view.exit >= 0 && view.exit <= 255, `the exit code ${view.exit}`);
      assertRebuilt(assembled.begun, frames, finals, now);
      return [view.isOver, view.nodes.length > 0, view.waiting.length > 0, view.leader !== undefined]
        .map(Number)
        .join('');
    },
  };
}

function read<Item>(list: unknown, decodeOne: (payload: Uint8Array) => Item): Item[] {
  const found: Item[] = [];
  for (const one of Array.isArray(list) ? (list as unknown[]).slice(0, MOST) : [])
    codeOf(() => found.push(decodeOne(encode(one ?? null))));
  return found;
}

function assertRebuilt(
  begun: Parameters<typeof rebuildBatch>[0],
  frames: readonly JobFrame[],
  finals: ReadonlyMap<string, Result>,
  now: number,
): void {
  const stored = frames.map((frame) => ({ frame, storedAt: now }));
  const storedFinals = new Map([...finals].map(([node, final]) => [node, { final, storedAt: now }]));
  const { released, outcomes } = rebuildBatch(begun, stored, storedFinals, now);
  promise(new Set(released).size === released.length, 'released twice');
  promise(
    released.every((node) => begun.expected.includes(node)),
    'released who is not expected',
  );
  for (const { restMs } of outcomes.values())
    promise(restMs >= 0 && restMs <= (begun.batch?.pauseMs ?? 0), 'a rest without end');
}
