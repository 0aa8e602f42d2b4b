/** Keys from labels: the same label gives the same key, so that vectors never change by themselves. For tests alone. */
import { createHash } from 'node:crypto';
import nacl from 'tweetnacl';
import { signerFromSeed, type Signer } from '../../shared/signing.ts';

/** `length` bytes that follow from the label. */
export function bytesFrom(label: string, length = 32): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 32)
    bytes.set(
      createHash('sha256')
        .update(`${label}/${at}`)
        .digest()
        .subarray(0, length - at),
      at,
    );
  return bytes;
}

export interface SignKeys {
  readonly seed: Uint8Array;
  readonly signer: Signer;
}

export function signKeysFrom(label: string): SignKeys {
  const seed = bytesFrom(`sign/${label}`);
  return { seed, signer: signerFromSeed(seed) };
}

export function boxKeysFrom(label: string): { publicKey: Uint8Array; secret: Uint8Array } {
  const secret = bytesFrom(`box/${label}`);
  return { publicKey: nacl.box.keyPair.fromSecretKey(secret).publicKey, secret };
}

export function serialFrom(label: string): string {
  return Buffer.from(bytesFrom(`serial/${label}`, 16)).toString('hex');
}
