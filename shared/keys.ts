/** Makes key pairs: signing, sealing and the login at the bus, three separate ones for every identity. */
import { createUser } from 'nkeys.js';
import nacl from 'tweetnacl';

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes: the seed of a signing key, the scalar of a box key. */
  readonly secret: Uint8Array;
}

export function createSignKeys(): KeyPair {
  const { publicKey, secretKey } = nacl.sign.keyPair();
  return { publicKey, secret: secretKey.slice(0, 32) };
}

export function createBoxKeys(): KeyPair {
  const { publicKey, secretKey } = nacl.box.keyPair();
  return { publicKey, secret: secretKey };
}

/** The key that logs in at the bus; NATS's own encoding (`U…` public, `SU…` seed). */
export function createLoginKeys(): { publicKey: string; seed: string } {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}
