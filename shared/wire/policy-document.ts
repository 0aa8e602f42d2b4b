/**
 * The fleet's policy as it is stored and handed to every node: the rules as data, which nodes go by, and the text that
 * they were read from, which people get back.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { TravellingPolicy } from '../policy/policy.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';

export const PolicyDocument = ReservedFields.extend({
  /** The subject it is stored under. */
  subject: z.string().max(512),
  /** Only ever grows; the clock of who signed it, in milliseconds since the epoch, or one more than the last. */
  revision: z.number().int().positive(),
  policy: TravellingPolicy,
  /** YAML, comments and all. Nodes don't look at it. */
  source: z.string().max(LIMITS.policyBytes),
});
export type PolicyDocument = z.infer<typeof PolicyDocument>;

const POLICY_FIELDS: ReadonlySet<string> = new Set(['subject', 'revision', 'policy', 'source']);

export function encodePolicyDocument(document: PolicyDocument): Uint8Array {
  return encode(document);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodePolicyDocument(payload: Uint8Array): PolicyDocument {
  const parsed = PolicyDocument.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a policy', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, POLICY_FIELDS);
  return parsed.data;
}
