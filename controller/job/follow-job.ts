/**
 * Follows a job from its beginning until nothing is expected of it any more: what is recorded, then what comes, and
 * meanwhile the signs of life that nodes give. Whoever sent it may be gone.
 */
import type { HistoryMessage } from '../../shared/bus.ts';
import { InterruptedError } from '../../shared/errors.ts';
import { toHex } from '../../shared/signing.ts';
import { jobStream } from '../../shared/streams.ts';
import type { JobFrame, Verdicts } from '../../shared/wire/job.ts';
import type { BusWatch } from '../bus-watch.ts';
import type { Collector } from '../collect.ts';
import { Incoming } from '../incoming.ts';
import { LiveOutput } from '../output/live-output.ts';
import type { NodeResult, OpenNode } from '../report.ts';
import type { RunOptions } from '../run-plan.ts';
import { assembleFrames, expired, neverStarted, overAt, type JobFrames } from './job-view.ts';
import { createReceiver, readFrame, type JobReader } from './read-job.ts';

export interface FollowedJob {
  readonly nodes: readonly NodeResult[];
  readonly unmatched: readonly string[];
  /** Who has no state, where the wait ended before they did; who is away, too. */
  readonly open: readonly OpenNode[];
  /** Who was still waited for when `signal` aborted. */
  readonly abandoned: readonly string[];
  readonly lostBus: string | undefined;
}

/** @throws InterruptedError before anything was heard; TransportError */
export async function followJob(
  frames: JobFrames,
  options: Pick<RunOptions, 'onNode' | 'onProgress' | 'output' | 'signal'>,
  { watch, ...reader }: JobReader & { readonly watch: BusWatch },
): Promise<FollowedJob> {
  const { bus, clock, fleet, subjects, trust } = reader;
  const { caller, expected, job } = frames.begun;
  const receiver = createReceiver(frames, reader);
  const lookAt = (storedAt: number): void => trust.lookAt(storedAt);
  const output = options.output && new LiveOutput(options.output, { ...reader, caller, job, receiver, lookAt, credit: undefined }); // prettier-ignore
  const known: JobFrame[] = [];
  let overTimer: NodeJS.Timeout | undefined;
  const incoming = new Incoming(
    {
      ...options,
      caller,
      job,
      isRecorded: true,
      collect: { expected, hopeless: new Map(), ackTimeoutMs: 0, welcome: new Set(), isUnderWay: true, inTurns: true },
    },
    { lookAt, prepare: () => bus.follow(jobStream(fleet), subjects.job(caller, job), (stored) => takeFrame(stored)) },
    { ...reader, watch, receiver, output },
  );
  const { collector } = incoming;
  const takeFrame = (stored: HistoryMessage): void => {
    const frame = readFrame(stored, reader);
    if (frame === undefined) return;
    known.push(frame);
    if ('messages' in frame) {
      for (const { id, payload } of frame.messages)
        receiver.expectAnswersTo({ id: toHex(id), payloadHash: toHex(payload) });
      collector.start(frame.messages.flatMap((message) => message.nodes.flatMap((place) => expected[place] ?? [])));
    }
    if (frame.type === 'queued') collector.hold(frame.nodes.flatMap((place) => expected[place] ?? []));
    if ('verdicts' in frame) concludeAll(frame.verdicts ?? [], expected, collector);
    if (frame.type === 'ended' && collector.held.length === 0) return;
    if (frame.type === 'cancelled') {
      return collector.skip(collector.planned, neverStarted(caller));
    }
    clearTimeout(overTimer);
    const end = overAt(assembleFrames(known) ?? frames);
    if (end === undefined || collector.isOver) return;
    overTimer = setTimeout(
      () => {
        collector.skip(collector.planned, NO_TURN);
        const { queued } = assembleFrames(known) ?? frames;
        for (const node of collector.held)
          collector.conclude({ node, ...expired(lastOf(queued)), ms: null, isVerdict: true });
      },
      clamp(end - clock.now()),
    );
  };
  if (options.signal?.aborted === true) throw new InterruptedError('interrupted', { code: 'interrupted' });
  try {
    await incoming.until(() => undefined);
  } finally {
    clearTimeout(overTimer);
  }
  const { abandoned, lostBus, nodes, notStarted, open, unmatched } = incoming;
  return { nodes, unmatched, open, abandoned: [...abandoned, ...notStarted], lostBus };
}

/** What whoever leads it concluded. */
function concludeAll(verdicts: Verdicts, expected: readonly string[], collector: Collector): void {
  for (const { nodes, ...verdict } of verdicts)
    for (const place of nodes) {
      const node = expected[place];
      if (node !== undefined) collector.conclude({ node, ...verdict, ms: null, isVerdict: true });
    }
}

const lastOf = (queued: JobFrames['queued']): number => Math.max(0, ...queued.map(({ startBy }) => startBy));

const NO_TURN = {
  code: 'no-turn',
  reason: 'never started: its turn had not come when the command line that led it fell silent',
};

/** A timer takes no more than this. */
const clamp = (ms: number): number => Math.min(Math.max(0, ms), 2 ** 31 - 1);
