/** What a node answers, signed: an acknowledgement, a final state with its data, `unmatched`, or a chunk of these. */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { FINAL_STATES } from '../states.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

const RESULT_KINDS = ['ack', 'output', 'result', 'unmatched'] as const;

/** What a program writes to. */
export const OUTPUT_STREAMS = ['stdout', 'stderr'] as const;
export type OutputStream = (typeof OUTPUT_STREAMS)[number];

const ByteCount = z.number().int().nonnegative();

const StreamDigest = z.object({
  /** Of what the node kept of it, from its beginning. */
  bytes: ByteCount,
  sha256: bytesOf(32),
  /** What the program wrote beyond that, and nobody has. */
  dropped: ByteCount.optional(),
});
export type StreamDigest = z.infer<typeof StreamDigest>;

/** A piece of what a program writes, where it stands in its stream. */
const OutputPiece = z.object({ stream: z.enum(OUTPUT_STREAMS), offset: ByteCount, bytes: Bytes });
export type OutputPiece = z.infer<typeof OutputPiece>;

const ResultHead = ReservedFields.extend({
  /** Message id of the command. */
  id: bytesOf(16),
  job: z.string().max(40),
  /** SHA-256 of the command's payload: what was answered, to the byte. */
  command: bytesOf(32),
  node: z.string().min(1).max(LIMITS.nodeNameLength),
  /** Counts this node's messages for this command from 0. */
  seq: z.number().int().nonnegative(),
  /** The node's clock when it signed, milliseconds since the epoch. */
  now: Moment,
});

export const Result = ResultHead.extend({
  kind: z.enum(RESULT_KINDS),
  /** With kind `result`. */
  state: z.enum(FINAL_STATES).optional(),
  /** Stable, for programs: `not-authorized`, `exit-code`, … */
  code: z.string().max(64).optional(),
  reason: z.string().max(4096).optional(),
  data: z.unknown().optional(),
  timing: z.object({ received: z.number(), started: z.number().optional(), ended: z.number().optional() }).optional(),
  /** With a final result of a program: what each output stream was, in whole. */
  streams: z.record(z.string(), StreamDigest).optional(),
  /** With kind `output`. */
  output: OutputPiece.optional(),
});
export type Result = z.infer<typeof Result>;

/** A piece of a result that is larger than a message may be; `chunk` is a piece of the encoded result. */
export const ResultPart = ResultHead.extend({
  kind: z.literal('part'),
  part: z.tuple([z.number().int().nonnegative(), z.number().int().positive(), bytesOf(32)]),
  chunk: Bytes,
});
export type ResultPart = z.infer<typeof ResultPart>;

const ResultMessage = z.union([Result, ResultPart]);

const RESULT_FIELDS: ReadonlySet<string> = new Set([
  'id', 'job', 'command', 'node', 'seq', 'now', 'kind', 'state', 'code', 'reason', 'data', 'timing', 'part', 'chunk',
  'streams', 'output',
]); // prettier-ignore

export function encodeResult(result: Result | ResultPart): Uint8Array {
  return encode(result);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeResultMessage(payload: Uint8Array): Result | ResultPart {
  const parsed = ResultMessage.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a result', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, RESULT_FIELDS);
  return parsed.data;
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeResult(payload: Uint8Array): Result {
  const parsed = Result.safeParse(decode(payload, LIMITS.resultBytes));
  if (!parsed.success) throw new ProtocolError('not a result', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, RESULT_FIELDS);
  return parsed.data;
}
