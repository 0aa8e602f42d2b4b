/**
 * Envelopes of those who have no credential yet: in its place stands the public key itself, and what is signed names it by
 * its SHA-256. They prove that somebody holds a key, and nothing else.
 */
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { sha256, VerifyKey, type Signer } from '../signing.ts';
import { EnvelopeFrame } from './envelope.ts';
import { signedBytes, type MessageKind } from './signed-bytes.ts';

/** Signs a payload with each of the keys. */
export async function sealByKeys(
  kind: MessageKind,
  fleetId: string,
  signers: readonly Signer[],
  payload: Uint8Array,
): Promise<Uint8Array> {
  const signatures = await Promise.all(
    signers.map(async (signer) => {
      const { publicKey } = signer;
      const bytes = signedBytes(kind, fleetId, 'ed25519', sha256(publicKey), payload);
      return ['ed25519', publicKey, await signer.sign(bytes)] as const;
    }),
  );
  return encode([1, payload, signatures]);
}

/** A frame that nobody has looked into yet. */
export interface KeyedFrame {
  readonly payload: Uint8Array;
  readonly signatures: readonly (readonly [alg: string, key: Uint8Array, signature: Uint8Array])[];
}

/** Verifies nothing. @throws ProtocolError `malformed` */
export function readKeyedFrame(message: Uint8Array): KeyedFrame {
  const frame = EnvelopeFrame.safeParse(decode(message));
  if (!frame.success) throw new ProtocolError('not an envelope', { code: 'malformed' });
  const [, payload, signatures] = frame.data;
  return { payload, signatures };
}

/**
 * The keys whose signatures stand on it, in their order; every one of them was verified.
 * @throws ProtocolError `unsupported-algorithm`, `bad-key`, `bad-signature`
 */
export function verifyKeyedFrame(kind: MessageKind, fleetId: string, frame: KeyedFrame): Uint8Array[] {
  const { payload, signatures } = frame;
  return signatures.map(([alg, key, signature]) => {
    if (alg !== 'ed25519')
      throw new ProtocolError(`algorithm ${alg} is not accepted here`, { code: 'unsupported-algorithm' });
    if (!new VerifyKey(key).verify(signedBytes(kind, fleetId, alg, sha256(key), payload), signature))
      throw new ProtocolError('the signature does not hold', { code: 'bad-signature' });
    return key;
  });
}
