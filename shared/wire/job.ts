/**
 * The record of a job: what was asked of whom, signed by its caller before the first command goes out; whose turn came,
 * and what was concluded, signed by whoever leads it. What nodes answered lies beside it, in their own words (result.ts).
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { FINAL_STATES } from '../states.ts';
import { parseEnvelope } from './envelope.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { bytesOf } from './signed-bytes.ts';

const NodeName = z.string().min(1).max(LIMITS.nodeNameLength);
/** Place in the list of expected nodes: names stand there once. */
const NodeIndex = z.number().int().nonnegative();
const JobId = z.string().regex(/^[0-9a-z]{1,40}$/);

const FrameHead = ReservedFields.extend({
  /** The subject it is stored under. */
  subject: z.string().max(512),
  /** Counts the frames of a job from 1. */
  revision: z.number().int().positive(),
  job: JobId,
  /** Whose job it is. */
  caller: z.string().min(1).max(LIMITS.nodeNameLength),
  /** Who signed it, where that isn't the caller: a service that leads it. */
  by: z.string().min(1).max(LIMITS.nodeNameLength).optional(),
});

/** What is sent: the message's id, SHA-256 of its payload, and whom it names. */
const Messages = z.array(z.object({ id: bytesOf(16), payload: bytesOf(32), nodes: z.array(NodeIndex) }));

/** When it is over by itself. */
const Times = {
  /** Nothing of it starts after it, by the clocks of the nodes. */
  startBy: Moment,
  /** When what runs has been stopped everywhere; absent where only the nodes know. */
  until: Moment.optional(),
};

/** What is whoever leads it's own to say, and what was heard and nobody stored: those who ended alike together. */
const Verdicts = z.array(
  z.object({
    state: z.enum(['unreachable', 'lost', 'skipped', 'refused']),
    code: z.string().max(64).optional(),
    reason: z.string().max(4096),
    nodes: z.array(NodeIndex).min(1),
  }),
);
export type Verdicts = z.infer<typeof Verdicts>;

/** How nodes have their turns, and where what is sent to them lies signed: anybody who leads needs nothing else. */
const JobBatch = z.object({
  window: z.number().int().positive(),
  canaries: z.number().int().nonnegative(),
  tolerated: z.number().int().nonnegative().optional(),
  pauseMs: z.number().int().nonnegative(),
  /** How long a node has to acknowledge. */
  ackTimeoutMs: z.number().int().positive(),
  /** Nothing starts after it, by the clocks of the nodes. */
  deadline: Moment,
  /** What is over before all of it: signatures of others. */
  usableUntil: Moment.optional(),
  /** Pieces of the plan. */
  chunks: z.number().int().positive(),
});
export type JobBatch = z.infer<typeof JobBatch>;

const JobBegun = FrameHead.extend({
  type: z.literal('begun'),
  /** As the person said it: `exec`, `run`, …; for programs the action. */
  command: z.string().min(1).max(128),
  action: z.string().min(1).max(128),
  effect: z.enum(['reads', 'changes']),
  /** Without what is sealed. */
  args: z.record(z.string(), z.unknown()),
  /** Names of the arguments that are sealed: their values are nowhere here. */
  sealed: z.array(z.string().max(128)).max(LIMITS.sealedNames).optional(),
  dryRun: z.boolean().optional(),
  timeoutMs: z.number().int().positive().optional(),
  /** What the caller said of whom it is for, by option. */
  target: z.record(z.string(), z.unknown()),
  /** The expression that the nodes check. */
  where: z.string().max(LIMITS.whereBytes).optional(),
  /** The frozen expected set. */
  expected: z.array(NodeName).max(LIMITS.jobNodes),
  messages: Messages,
  issued: Moment,
  ...Times,
  /** Of one that anybody may lead; its messages are in the frames of the turns. */
  batch: JobBatch.optional(),
  /** The job that this one tries again. */
  retryOf: JobId.optional(),
});
export type JobBegun = z.infer<typeof JobBegun>;

/** The turn of some nodes has come: what goes to them, and what was concluded of others since. */
const JobSent = FrameHead.extend({
  type: z.literal('sent'),
  messages: Messages,
  ...Times,
  verdicts: Verdicts.optional(),
});
export type JobSent = z.infer<typeof JobSent>;

/** Concluded, and nobody's turn comes of it: who is never started. */
const JobConcluded = FrameHead.extend({ type: z.literal('concluded'), at: Moment, verdicts: Verdicts });
export type JobConcluded = z.infer<typeof JobConcluded>;

/** Somebody else leads it from here on. */
const JobTaken = FrameHead.extend({ type: z.literal('taken'), at: Moment });
export type JobTaken = z.infer<typeof JobTaken>;

/** These were silent, and find what was sent to them in their queues when they come back. */
const JobQueued = FrameHead.extend({
  type: z.literal('queued'),
  at: Moment,
  nodes: z.array(NodeIndex).min(1),
  /** What they haven't started by then, they never do, by their clocks. */
  startBy: Moment,
});
export type JobQueued = z.infer<typeof JobQueued>;

/** Nothing new of it is to start: its caller has cancelled it. */
const JobCancelled = FrameHead.extend({ type: z.literal('cancelled'), at: Moment });
export type JobCancelled = z.infer<typeof JobCancelled>;

const JobEnded = FrameHead.extend({
  type: z.literal('ended'),
  at: Moment,
  /** What the caller's command ended with. */
  exit: z.number().int().min(0).max(255),
  states: z.partialRecord(z.enum(FINAL_STATES), z.number().int().nonnegative()),
  unmatched: z.number().int().nonnegative(),
  verdicts: Verdicts,
});
export type JobEnded = z.infer<typeof JobEnded>;

const JobFrame = z.discriminatedUnion('type', [
  JobBegun,
  JobSent,
  JobQueued,
  JobConcluded,
  JobTaken,
  JobCancelled,
  JobEnded,
]);
export type JobFrame = z.infer<typeof JobFrame>;

const JOB_FIELDS: ReadonlySet<string> = new Set([
  'subject', 'revision', 'job', 'caller', 'type', 'command', 'action', 'effect', 'args', 'sealed', 'dryRun', 'timeoutMs',
  'target', 'where', 'expected', 'messages', 'issued', 'startBy', 'until', 'retryOf', 'at', 'exit', 'states', 'unmatched',
  'verdicts', 'by', 'batch', 'nodes',
]); // prettier-ignore

export function encodeJobFrame(frame: JobFrame): Uint8Array {
  return encode(frame);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeJobFrame(payload: Uint8Array): JobFrame {
  const parsed = JobFrame.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not the record of a job', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, JOB_FIELDS);
  const frame = parsed.data;
  if (frame.type !== 'begun') return frame;
  const { expected, messages } = frame;
  if (messages.some(({ nodes }) => nodes.some((index) => index >= expected.length)))
    throw new ProtocolError('a message for a node that is not expected', { code: 'malformed' });
  // One node would be in two states.
  if (new Set(expected).size < expected.length)
    throw new ProtocolError('a node is expected twice', { code: 'malformed' });
  return frame;
}

/** Whether something stored for a job is a frame of its record: what waits for signatures lies under the same subject. */
export function isJobFrame(message: Uint8Array): boolean {
  try {
    parseEnvelope(message);
    return true;
  } catch {
    return false;
  }
}
