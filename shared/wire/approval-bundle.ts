/**
 * What lies on the bus while a command waits for another operator: the caller's signed commands, and beside them what
 * others signed. Not signed itself: everything in it is, and is looked at by itself.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { SIGNATURE_BYTES } from '../signing.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

/** Of the caller: one job, as many envelopes as it has. */
const AskedBundle = z.object({
  version: z.literal(1),
  kind: z.literal('asked'),
  commands: z.array(Bytes).min(1).max(LIMITS.approvalCommands),
});
export type AskedBundle = z.infer<typeof AskedBundle>;

/** Of who approves: a signature for each command, found by SHA-256 of its payload. */
const ApprovedBundle = z.object({
  version: z.literal(1),
  kind: z.literal('approved'),
  credential: Bytes,
  signatures: z
    .array(z.object({ payload: bytesOf(32), signature: bytesOf(SIGNATURE_BYTES) }))
    .min(1)
    .max(LIMITS.approvalCommands),
});
export type ApprovedBundle = z.infer<typeof ApprovedBundle>;

const Bundle = z.discriminatedUnion('kind', [AskedBundle, ApprovedBundle]);
export type Bundle = z.infer<typeof Bundle>;

export function encodeBundle(bundle: Bundle): Uint8Array {
  return encode(bundle);
}

/** @throws ProtocolError `malformed` */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const parsed = Bundle.safeParse(decode(bytes));
  if (!parsed.success) throw new ProtocolError('nothing that waits for a signature', { code: 'malformed' });
  return parsed.data;
}
