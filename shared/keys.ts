/**
 * Makes key pairs: signing, sealing and the login at the bus, three separate ones for every identity; and the keys that
 * the logins of a bus are issued with.
 */
import { createAccount, createOperator, createUser, type KeyPair as Nkey } from 'nkeys.js';
import nacl from 'tweetnacl';

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes: the seed of a signing key, the scalar of a box key. */
  readonly secret: Uint8Array;
}

/** A key of NATS, in its own encoding. */
export interface NkeySeed {
  readonly publicKey: string;
  readonly seed: string;
}

export function createSignKeys(): KeyPair {
  const { publicKey, secretKey } = nacl.sign.keyPair();
  return { publicKey, secret: secretKey.slice(0, 32) };
}

export function createBoxKeys(): KeyPair {
  const { publicKey, secretKey } = nacl.box.keyPair();
  return { publicKey, secret: secretKey };
}

/** The public key that belongs to a box secret. */
export function boxKeyOf(secret: Uint8Array): Uint8Array {
  return nacl.box.keyPair.fromSecretKey(secret).publicKey;
}

/** The key that logs in at the bus; NATS's own encoding (`U…` public, `SU…` seed). */
export function createLoginKeys(): NkeySeed {
  return toSeed(createUser());
}

/** The key of an account of the bus (`A…`, `SA…`): it makes the logins of that account. */
export function createAccountKeys(): NkeySeed {
  return toSeed(createAccount());
}

/** The key of who owns the bus (`O…`, `SO…`): it makes the accounts. */
export function createBusOwnerKeys(): NkeySeed {
  return toSeed(createOperator());
}

const toSeed = (pair: Nkey): NkeySeed => ({
  publicKey: pair.getPublicKey(),
  seed: new TextDecoder().decode(pair.getSeed()),
});
