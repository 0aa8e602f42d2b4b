/**
 * The exact bytes that a signature covers: `fleet/1/<message kind>/<fleet id>/<alg>\0`, the hash of the signer's
 * credential, the payload. A signature made for one purpose, fleet or algorithm never holds for another.
 */
import * as z from 'zod';

export const MESSAGE_KINDS = [
  'command',
  'approval',
  'result',
  'roster',
  'inventory',
  'credential',
  'event',
  'roots',
  'policy',
  'revocation',
  'audit',
  'enroll',
  'enroll-admin',
  'job',
  'plan',
  'lead',
  'service',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

export const ALGORITHMS = ['ed25519', 'x25519-hmac'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export function signedBytes(
  kind: MessageKind,
  fleetId: string,
  alg: Algorithm,
  credentialHash: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  return Buffer.concat([Buffer.from(`fleet/1/${kind}/${fleetId}/${alg}\0`, 'latin1'), credentialHash, payload]);
}

/**
 * What an operator signs who approves another's command: the caller is in it, so that an approval is nobody's own command
 * and nobody else's.
 */
export function approvedBytes(
  fleetId: string,
  alg: Algorithm,
  credentialHash: Uint8Array,
  callerHash: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  return Buffer.concat([signedBytes('approval', fleetId, alg, credentialHash, callerHash), payload]);
}

/** A fleet's id where it's written out: absent where it is the hash of the first root beside it. */
export const WrittenFleetId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .optional();

/** Schema of a byte string, and of one of a fixed length. */
export const Bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');
export const bytesOf = (length: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length, `expected ${length} bytes`);
