/**
 * What the enrolment service stores, signed by the issuer like everything stored: tokens, without anything that could be
 * used as one, and requests that wait for a person, with how that decided.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { KEY_BYTES } from '../signing.ts';
import { CredentialBody } from './credential.ts';
import { JoiningHost, LoginKey } from './join-request.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { bytesOf } from './signed-bytes.ts';

const Stored = ReservedFields.extend({
  /** The subject it is stored under: an entry moved elsewhere is no entry. */
  subject: z.string().max(512),
  revision: z.number().int().nonnegative(),
});
/** Which operator, and when. */
const Deed = z.object({ by: z.string().max(LIMITS.nodeNameLength), at: Moment });

export const TokenEntry = Stored.extend({
  type: z.literal('token'),
  token: z.string().max(64),
  sign: bytesOf(KEY_BYTES),
  login: LoginKey,
  made: Deed,
  /** Milliseconds since the epoch. */
  expires: Moment,
  uses: z.number().int().positive().max(LIMITS.joinTokenUses),
  used: z.number().int().nonnegative(),
  /** Fingerprints of requests that have a use and perhaps not all else yet: they don't take another. */
  open: z.array(z.string().max(64)).max(LIMITS.joinOpenUses),
  /** What `--node` takes; absent: any name. */
  names: z.string().max(LIMITS.patternBytes).optional(),
  trusted: CredentialBody.shape.trusted,
  approval: z.enum(['at-once', 'by-hand']),
  revoked: Deed.optional(),
});
export type TokenEntry = z.infer<typeof TokenEntry>;

export const RequestEntry = Stored.extend({
  type: z.literal('request'),
  /** Fingerprint of its keys. */
  request: z.string().max(64),
  token: z.string().max(64),
  name: z.string().max(LIMITS.nodeNameLength),
  sign: bytesOf(KEY_BYTES),
  box: bytesOf(KEY_BYTES),
  login: LoginKey,
  /** When it came. */
  asked: Moment,
  host: JoiningHost,
  state: z.enum(['pending', 'joined', 'denied']),
  decided: Deed.optional(),
  reason: z.string().max(1024).optional(),
});
export type RequestEntry = z.infer<typeof RequestEntry>;

const FIELDS: ReadonlySet<string> = new Set([...Object.keys(TokenEntry.shape), ...Object.keys(RequestEntry.shape)]);

export function encodeEnrollEntry(entry: TokenEntry | RequestEntry): Uint8Array {
  return encode(entry);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeTokenEntry(payload: Uint8Array): TokenEntry {
  return check(TokenEntry.safeParse(decode(payload)));
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeRequestEntry(payload: Uint8Array): RequestEntry {
  return check(RequestEntry.safeParse(decode(payload)));
}

function check<T extends TokenEntry | RequestEntry>(parsed: z.ZodSafeParseResult<T>): T {
  if (!parsed.success)
    throw new ProtocolError('not an entry of the enrolment service', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, FIELDS);
  return parsed.data;
}
