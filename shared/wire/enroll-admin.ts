/**
 * What operators ask of the enrolment service, and its answers. The keys of a token are made where it is printed: the
 * service sees public ones alone, and nothing secret travels.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { KEY_BYTES } from '../signing.ts';
import { RequestEntry, TokenEntry } from './enroll-entry.ts';
import { LoginKey } from './join-request.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

const Id = z.string().max(64);

const MakeToken = z.object({
  type: z.literal('make-token'),
  sign: bytesOf(KEY_BYTES),
  login: LoginKey,
  lifeMs: z.number().int().positive().max(LIMITS.joinTokenLifeMs),
  ...TokenEntry.pick({ uses: true, names: true, trusted: true, approval: true }).shape,
});
export type MakeToken = z.infer<typeof MakeToken>;

const AdminQuestion = z.discriminatedUnion('type', [
  MakeToken,
  /** Those after `after`, in the order of their ids, as many as fit into an answer. */
  z.object({ type: z.literal('tokens'), after: Id.optional() }),
  z.object({ type: z.literal('requests'), after: Id.optional(), pendingOnly: z.boolean() }),
  z.object({ type: z.literal('approve'), request: Id }),
  z.object({ type: z.literal('deny'), request: Id, reason: z.string().max(1024).optional() }),
  z.object({ type: z.literal('revoke-token'), token: Id }),
]);
export type AdminQuestion = z.infer<typeof AdminQuestion>;

export const AdminRequest = ReservedFields.extend({
  /** 128 random bits. */
  id: bytesOf(16),
  issued: Moment,
  expires: Moment,
  question: AdminQuestion,
});
export type AdminRequest = z.infer<typeof AdminRequest>;

/** A token as operators see it: nothing in it is of use to who would join. */
export const ShownToken = TokenEntry.omit({ subject: true, open: true, sign: true, login: true });
export type ShownToken = z.infer<typeof ShownToken>;
export const ShownRequest = RequestEntry.omit({ subject: true, sign: true, box: true, login: true });
export type ShownRequest = z.infer<typeof ShownRequest>;

const AdminResult = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('token'),
    entry: ShownToken,
    /** With `make-token`. */
    made: z.object({ loginJwt: z.string().max(16 * 1024), ca: z.array(Bytes).optional(), servers: z.array(z.string()) }).optional(),
  }),
  z.object({ type: z.literal('tokens'), tokens: z.array(ShownToken), more: z.boolean() }),
  z.object({ type: z.literal('request'), entry: ShownRequest }),
  z.object({ type: z.literal('requests'), requests: z.array(ShownRequest), more: z.boolean() }),
]); // prettier-ignore
export type AdminResult = z.infer<typeof AdminResult>;

export const AdminAnswer = ReservedFields.extend({
  /** SHA-256 of the payload that is answered. */
  request: bytesOf(32),
  /** The service's clock. */
  now: Moment,
  /** Where it was refused. */
  code: z.string().max(64).optional(),
  reason: z.string().max(1024).optional(),
  result: AdminResult.optional(),
});
export type AdminAnswer = z.infer<typeof AdminAnswer>;

const REQUEST_FIELDS: ReadonlySet<string> = new Set(['id', 'issued', 'expires', 'question']);
const ANSWER_FIELDS: ReadonlySet<string> = new Set(['request', 'now', 'code', 'reason', 'result']);

export function encodeAdmin(message: AdminRequest | AdminAnswer): Uint8Array {
  return encode(message);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeAdminRequest(payload: Uint8Array): AdminRequest {
  const parsed = AdminRequest.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a question about joining', { code: 'malformed' });
  assertUnderstood(parsed.data, REQUEST_FIELDS);
  return parsed.data;
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeAdminAnswer(payload: Uint8Array): AdminAnswer {
  const parsed = AdminAnswer.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not an answer about joining', { code: 'malformed' });
  assertUnderstood(parsed.data, ANSWER_FIELDS);
  return parsed.data;
}
