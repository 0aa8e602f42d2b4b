/**
 * One entry a node, written by the issuer at approval: who belongs to the fleet. Silence is measured against it. The same
 * under another subject brings the node a new credential: nobody has to visit it.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

export const RosterEntry = ReservedFields.extend({
  /** The subject it is stored under: an entry moved elsewhere is no entry. */
  subject: z.string().max(512),
  revision: z.number().int().nonnegative(),
  node: z.string().min(1).max(LIMITS.nodeNameLength),
  state: z.enum(['joined', 'retired']),
  /** The node's credential, whole. */
  credential: Bytes,
  /** Hashes of earlier credentials for the same keys: what is signed under them is the node's still. */
  previous: z.array(bytesOf(32)).max(LIMITS.previousCredentials).optional(),
  /** Its login at the bus, where the node has to be brought one. */
  login: z.string().max(LIMITS.loginBytes).optional(),
});
export type RosterEntry = z.infer<typeof RosterEntry>;

const ROSTER_FIELDS: ReadonlySet<string> = new Set([
  'subject', 'revision', 'node', 'state', 'credential', 'previous', 'login',
]); // prettier-ignore

export function encodeRosterEntry(entry: RosterEntry): Uint8Array {
  return encode(entry);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeRosterEntry(payload: Uint8Array): RosterEntry {
  const parsed = RosterEntry.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a roster entry', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, ROSTER_FIELDS);
  return parsed.data;
}
