/**
 * Who the fleet's roots are, as a chain of steps: each names the roots that hold from then on, has the step before in it,
 * and is signed by one of the roots of that one. The first is signed by the fleet's first root, whose hash is the fleet's
 * id for good: so whoever knows the id can follow all steps, however long it was away.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { KEY_BYTES, sha256, type Signer } from '../signing.ts';
import { sealWith } from './envelope.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

export const RootsStep = ReservedFields.extend({
  subject: z.string().max(512),
  /** Counts the steps: 1 for the first. */
  revision: z.number().int().positive().max(LIMITS.rootSteps),
  /** Public keys. */
  roots: z.array(bytesOf(KEY_BYTES)).min(1).max(LIMITS.roots),
  /** The envelope of the step before; absent in the first. */
  previous: Bytes.optional(),
});
export type RootsStep = z.infer<typeof RootsStep>;

const ROOTS_FIELDS: ReadonlySet<string> = new Set(['subject', 'revision', 'roots', 'previous']);

/** @param root one of those that held before the step */
export function sealRoots(fleetId: string, root: Signer, step: RootsStep): Promise<Uint8Array> {
  const hash = sha256(root.publicKey);
  return sealWith('roots', fleetId, { signer: root, hash, reference: hash }, encode(step));
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeRoots(payload: Uint8Array): RootsStep {
  const parsed = RootsStep.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a document of roots', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, ROOTS_FIELDS);
  return parsed.data;
}
