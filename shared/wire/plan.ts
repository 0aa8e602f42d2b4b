/**
 * A job as its caller signed all of it up front, in pieces: the commands of a batch, one for each node, which whoever leads
 * it sends when the turn of their nodes has come. They prove themselves; what holds them together is signed, too.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes } from './signed-bytes.ts';

const PlannedCommand = z.object({
  message: Bytes,
  /** What goes along unsigned to each node, by its name: the keys of what is sealed. */
  attachments: z.record(z.string(), Bytes).optional(),
});
export type PlannedCommand = z.infer<typeof PlannedCommand>;

const PlanChunk = ReservedFields.extend({
  /** The subject it is stored under. */
  subject: z.string().max(512),
  job: z.string().regex(/^[0-9a-z]{1,40}$/),
  caller: z.string().min(1).max(LIMITS.nodeNameLength),
  /** Counts them from 0. */
  chunk: z.number().int().nonnegative(),
  commands: z.array(PlannedCommand).min(1),
});
export type PlanChunk = z.infer<typeof PlanChunk>;

const PLAN_FIELDS: ReadonlySet<string> = new Set(['subject', 'job', 'caller', 'chunk', 'commands']);

export function encodePlanChunk(chunk: PlanChunk): Uint8Array {
  return encode(chunk);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodePlanChunk(payload: Uint8Array): PlanChunk {
  const parsed = PlanChunk.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a piece of a plan', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, PLAN_FIELDS);
  return parsed.data;
}
