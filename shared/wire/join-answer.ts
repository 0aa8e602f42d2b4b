/**
 * What the enrolment service answers to who wants to join: signed by the issuer, and what a node gets sealed to the key
 * that it asked with, since all who hold one token hear each other's answers.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { openSealed, sealTo } from '../sealing.ts';
import { ServerUrl } from '../server-url.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

/** What makes a server a node. */
export const JoinGrant = z.object({
  credential: Bytes,
  /** Lets the login key that it asked with into the bus. */
  loginJwt: z.string().max(16 * 1024),
  servers: z.array(ServerUrl).min(1).max(64),
  jsDomain: z.string().max(256).optional(),
  /** Whether nodes talk TLS with the bus; with these certificates (DER), or with those that the system trusts. */
  tls: z.object({ ca: z.array(Bytes).optional() }).optional(),
});
export type JoinGrant = z.infer<typeof JoinGrant>;

export const JoinAnswer = ReservedFields.extend({
  /** SHA-256 of the payload that is answered. */
  request: bytesOf(32),
  /** The service's clock. */
  now: Moment,
  outcome: z.enum(['joined', 'pending', 'refused']),
  /** With `refused`. */
  code: z.string().max(64).optional(),
  reason: z.string().max(1024).optional(),
  /** With `joined`: a JoinGrant, sealed. */
  grant: Bytes.optional(),
});
export type JoinAnswer = z.infer<typeof JoinAnswer>;

const FIELDS: ReadonlySet<string> = new Set(['request', 'now', 'outcome', 'code', 'reason', 'grant']);

export function encodeJoinAnswer(answer: JoinAnswer): Uint8Array {
  return encode(answer);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeJoinAnswer(payload: Uint8Array): JoinAnswer {
  const parsed = JoinAnswer.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not an answer to a request to join', { code: 'malformed' });
  assertUnderstood(parsed.data, FIELDS);
  return parsed.data;
}

export function sealGrant(box: Uint8Array, grant: JoinGrant): Uint8Array {
  return sealTo(box, encode(grant));
}

/** @throws ProtocolError `cannot-unseal`, `malformed` */
export function openGrant(boxSecret: Uint8Array, sealed: Uint8Array): JoinGrant {
  const parsed = JoinGrant.safeParse(decode(openSealed(boxSecret, sealed)));
  if (!parsed.success) throw new ProtocolError('not what a node gets', { code: 'malformed', cause: parsed.error });
  return parsed.data;
}
