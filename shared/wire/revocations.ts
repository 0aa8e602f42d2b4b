/**
 * The fleet's list of what is revoked, by serial or by key and never by name: a name may be given again. Each list is
 * whole: it says again what earlier ones said, until what it names has expired by itself.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { CREDENTIAL_KINDS } from './credential.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { bytesOf } from './signed-bytes.ts';

/** Whatever has this serial, or signs with this key. */
export const RevocationEntry = z
  .object({
    serial: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional(),
    /** SHA-256 of a public signing key. */
    key: bytesOf(32).optional(),
    /** For people: what it was, and whose. */
    kind: z.enum(CREDENTIAL_KINDS).optional(),
    name: z.string().max(LIMITS.nodeNameLength).optional(),
    reason: z.string().max(LIMITS.revocationReasonLength).optional(),
    /** Milliseconds since the epoch. */
    since: Moment,
    /** When the last of what it revokes expires by itself: afterwards the entry may be left out. */
    until: Moment,
  })
  .refine(({ serial, key }) => serial !== undefined || key !== undefined, 'expected a serial or a key');
export type RevocationEntry = z.infer<typeof RevocationEntry>;

export const RevocationList = ReservedFields.extend({
  subject: z.string().max(512),
  revision: z.number().int().positive(),
  entries: z.array(RevocationEntry).max(LIMITS.revocations),
});
export type RevocationList = z.infer<typeof RevocationList>;

const REVOCATION_FIELDS: ReadonlySet<string> = new Set(['subject', 'revision', 'entries']);

export function encodeRevocations(list: RevocationList): Uint8Array {
  return encode(list);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeRevocations(payload: Uint8Array): RevocationList {
  const parsed = RevocationList.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a list of revocations', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, REVOCATION_FIELDS);
  return parsed.data;
}
