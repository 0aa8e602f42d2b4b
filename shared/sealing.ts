/**
 * Sealing: bytes that the holder of one box key can read, and nobody else; and bytes under a key of their own, for what
 * goes to many. Both are NaCl's (`box` with a key pair made for it, `secretbox`), byte for byte. Who sealed isn't said:
 * what has to be known of that is signed. Key agreement runs through node:crypto, nine times faster than tweetnacl.
 *
 *   sealed to a key    01 | 32 bytes: public key made for it | 24 bytes: nonce | box, 16 bytes longer than its content
 *   under a key        01 | 24 bytes: nonce | secretbox, 16 bytes longer than its content
 */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import nacl from 'tweetnacl';
import { ProtocolError } from './errors.ts';
import { asBuffer, KEY_BYTES } from './signing.ts';

const LAYOUT = 1;
const NONCE_BYTES = nacl.secretbox.nonceLength;
/** What sealing adds to its content. */
export const SEAL_BYTES = 1 + KEY_BYTES + NONCE_BYTES + nacl.secretbox.overheadLength;

/** `lowlevel` is missing from the package's types. */
const { lowlevel } = nacl as unknown as {
  lowlevel: { crypto_core_hsalsa20(out: Uint8Array, input: Uint8Array, key: Uint8Array, constant: Uint8Array): void };
};
const SIGMA = new TextEncoder().encode('expand 32-byte k');

/** DER header of a raw X25519 secret (RFC 8410). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** u coordinates of small order, and their other spellings; the highest bit counts for nothing (RFC 7748 section 5). */
const SMALL_ORDER_U = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/**
 * A box key that may be sealed to. With one of small order everybody knows what two sides agree on.
 * @throws ProtocolError `bad-key`
 */
export function assertUsableBoxKey(publicKey: Uint8Array): void {
  const u = Buffer.from(publicKey);
  if (u.length === KEY_BYTES) u[KEY_BYTES - 1] = (u[KEY_BYTES - 1] ?? 0) & 0x7f;
  if (u.length !== KEY_BYTES || SMALL_ORDER_U.has(u.toString('hex')))
    throw new ProtocolError('not a usable box key', { code: 'bad-key' });
}

/** Seals to a public box key, with a key pair that is made for it and forgotten. @throws ProtocolError `bad-key` */
export function sealTo(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  assertUsableBoxKey(publicKey);
  const own = generateKeyPairSync('x25519');
  const { x = '' } = own.publicKey.export({ format: 'jwk' });
  const nonce = nacl.randomBytes(NONCE_BYTES);
  const box = nacl.box.after(bytes, nonce, agree(own.privateKey, publicKey));
  return Buffer.concat([Uint8Array.of(LAYOUT), Buffer.from(x, 'base64url'), nonce, box]);
}

/** A box secret, made ready once: that costs more than opening. */
export class SealOpener {
  readonly #key: KeyObject;

  /** @param boxSecret 32 bytes */
  constructor(boxSecret: Uint8Array) {
    this.#key = boxPrivateKey(boxSecret);
  }

  /** @throws ProtocolError `cannot-unseal` when it is sealed to another key, damaged, or not sealed at all */
  open(sealed: Uint8Array): Uint8Array {
    if (sealed.length < SEAL_BYTES || sealed[0] !== LAYOUT) throw cannotUnseal();
    const from = sealed.subarray(1, 1 + KEY_BYTES);
    const nonce = sealed.subarray(1 + KEY_BYTES, 1 + KEY_BYTES + NONCE_BYTES);
    let shared: Uint8Array;
    try {
      assertUsableBoxKey(from);
      shared = agree(this.#key, from);
    } catch (cause) {
      throw cannotUnseal(cause);
    }
    return opened(nacl.box.open.after(sealed.subarray(1 + KEY_BYTES + NONCE_BYTES), nonce, shared));
  }
}

/** For once; who opens many keeps a SealOpener. @throws ProtocolError `cannot-unseal` */
export function openSealed(boxSecret: Uint8Array, sealed: Uint8Array): Uint8Array {
  return new SealOpener(boxSecret).open(sealed);
}

/** A fresh key for `encryptWith`: for one content, and never used again. */
export function createContentKey(): Uint8Array {
  return nacl.randomBytes(nacl.secretbox.keyLength);
}

export function encryptWith(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const nonce = nacl.randomBytes(NONCE_BYTES);
  return Buffer.concat([Uint8Array.of(LAYOUT), nonce, nacl.secretbox(bytes, nonce, key)]);
}

/** @throws ProtocolError `cannot-unseal` when it is under another key, or damaged */
export function decryptWith(key: Uint8Array, encrypted: Uint8Array): Uint8Array {
  if (key.length !== nacl.secretbox.keyLength || encrypted[0] !== LAYOUT || encrypted.length < 1 + NONCE_BYTES)
    throw cannotUnseal();
  const nonce = encrypted.subarray(1, 1 + NONCE_BYTES);
  return opened(nacl.secretbox.open(encrypted.subarray(1 + NONCE_BYTES), nonce, key));
}

/** What `nacl.box.before` gives. */
function agree(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  const shared = new Uint8Array(KEY_BYTES);
  lowlevel.crypto_core_hsalsa20(shared, new Uint8Array(16), agreeOn(privateKey, publicKey), SIGMA);
  return shared;
}

/** X25519 as it is (RFC 7748): nothing to be used as a key. A raw key is taken in as JWK: as DER it takes ten times as long. */
export function agreeOn(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  const x = asBuffer(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  return diffieHellman({ privateKey, publicKey: key });
}

/** @param boxSecret 32 bytes */
export function boxPrivateKey(boxSecret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, boxSecret]), format: 'der', type: 'pkcs8' });
}

/** 32 bytes. */
export function boxPublicKey(privateKey: KeyObject): Uint8Array {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url');
}

function opened(content: Uint8Array | null): Uint8Array {
  if (content === null) throw cannotUnseal();
  return content;
}

function cannotUnseal(cause?: unknown): ProtocolError {
  return new ProtocolError('it is not sealed for this key, or damaged', { code: 'cannot-unseal', cause });
}
