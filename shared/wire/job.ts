/**
 * The record of a job, as its caller signs it: what was asked of whom, before the first command goes out, and at the end
 * what the caller concluded. What nodes answered lies beside it, in their own words (result.ts).
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
  /** Whoever signed it. */
  caller: z.string().min(1).max(LIMITS.nodeNameLength),
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
  /** The job that this one tries again. */
  retryOf: JobId.optional(),
});
export type JobBegun = z.infer<typeof JobBegun>;

/** The turn of some nodes has come: what goes to them. */
const JobSent = FrameHead.extend({ type: z.literal('sent'), messages: Messages, ...Times });
export type JobSent = z.infer<typeof JobSent>;

const JobEnded = FrameHead.extend({
  type: z.literal('ended'),
  at: Moment,
  /** What the caller's command ended with. */
  exit: z.number().int().min(0).max(255),
  states: z.partialRecord(z.enum(FINAL_STATES), z.number().int().nonnegative()),
  unmatched: z.number().int().nonnegative(),
  /** What is the caller's own to say, and what it heard and nobody stored: those who ended alike together. */
  verdicts: z.array(
    z.object({
      state: z.enum(['unreachable', 'lost', 'skipped', 'refused']),
      code: z.string().max(64).optional(),
      reason: z.string().max(4096),
      nodes: z.array(NodeIndex).min(1),
    }),
  ),
});
export type JobEnded = z.infer<typeof JobEnded>;

const JobFrame = z.discriminatedUnion('type', [JobBegun, JobSent, JobEnded]);
export type JobFrame = z.infer<typeof JobFrame>;

const JOB_FIELDS: ReadonlySet<string> = new Set([
  'subject', 'revision', 'job', 'caller', 'type', 'command', 'action', 'effect', 'args', 'sealed', 'dryRun', 'timeoutMs',
  'target', 'where', 'expected', 'messages', 'issued', 'startBy', 'until', 'retryOf', 'at', 'exit', 'states', 'unmatched',
  'verdicts',
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
  const nodes = frame.type === 'begun' ? frame.messages.flatMap((message) => message.nodes) : [];
  if (frame.type === 'begun' && nodes.some((index) => index >= frame.expected.length))
    throw new ProtocolError('a message for a node that is not expected', { code: 'malformed' });
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
