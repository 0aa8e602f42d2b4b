/**
 * Ed25519: sign bytes, verify bytes. The same algorithm three times over: keys are tweetnacl pairs (keys.ts), the hot
 * path runs in OpenSSL through node:crypto (about a hundred times faster), `verifyPortable` is tweetnacl for where there
 * is no native crypto. test/unit/protocol/signing.test.ts holds them against each other, hostile input included.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import nacl from 'tweetnacl';
import { ProtocolError } from './errors.ts';

export const SIGNATURE_BYTES = 64;
export const KEY_BYTES = 32;

/** DER headers of a raw Ed25519 key (RFC 8410). */
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Order of the base point, little-endian: a signature whose S is not below it is another signature's twin (RFC 8032 5.1.7). */
const GROUP_ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex');

/** y coordinates of the eight points of small order; the sign bit is ignored. */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** The prime 2^255 - 19, little-endian: a key whose y is not below it is another spelling of a key (RFC 8032 5.1.3). */
const FIELD_PRIME = Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex');

/** Makes signatures. Async, so that a key may be held by hardware or by another process. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Its key is here, in memory: it can sign at once. */
export interface LocalSigner extends Signer {
  signNow(bytes: Uint8Array): Uint8Array;
}

/** A signer from a 32-byte seed. */
export function signerFromSeed(seed: Uint8Array): LocalSigner {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(SPKI_HEADER.length));
  const signNow = (bytes: Uint8Array): Uint8Array => sign(null, bytes, key);
  return { publicKey, signNow, sign: (bytes) => Promise.resolve(signNow(bytes)) };
}

/** A public key, made ready once, and not before it's needed: parsing it costs more than half a verification. */
export class VerifyKey {
  readonly bytes: Uint8Array;
  #key: KeyObject | undefined;

  /** @throws ProtocolError `bad-key` when it isn't 32 bytes, not canonical, or of small order (any signature would fit it). */
  constructor(bytes: Uint8Array) {
    assertUsableKey(bytes);
    this.bytes = bytes;
  }

  verify(bytes: Uint8Array, signature: Uint8Array): boolean {
    this.#key ??= createPublicKey({ key: jwkOf(this.bytes), format: 'jwk' });
    return signature.length === SIGNATURE_BYTES && verify(null, bytes, this.#key, signature);
  }
}

/** A raw key as it's taken in fastest: as DER it takes OpenSSL ten times as long. */
const jwkOf = (bytes: Uint8Array): JsonWebKey => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: asBuffer(bytes).toString('base64url'),
});

/** @throws ProtocolError `bad-key` */
export function assertUsableKey(bytes: Uint8Array): void {
  const y = Buffer.from(bytes);
  if (y.length === KEY_BYTES) y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] ?? 0) & 0x7f;
  if (y.length !== KEY_BYTES || !isBelow(y, FIELD_PRIME) || SMALL_ORDER_Y.has(y.toString('hex')))
    throw new ProtocolError('not a usable public key', { code: 'bad-key' });
}

/** Verifies without native crypto. tweetnacl accepts S ≥ L, OpenSSL doesn't: refused here first. */
export function verifyPortable(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== KEY_BYTES) return false;
  if (!isBelow(signature.subarray(KEY_BYTES), GROUP_ORDER)) return false;
  return nacl.sign.detached.verify(bytes, signature, publicKey);
}

/** Both are 32 bytes, little-endian. */
function isBelow(number: Uint8Array, limit: Uint8Array): boolean {
  for (let index = KEY_BYTES - 1; index >= 0; index--) {
    const difference = (number[index] ?? 0) - (limit[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'buffer');
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex');
}

/** The same bytes, with what a Buffer can do. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Fleet id: a signature for one fleet never holds in another, whatever their names. */
export function fleetIdOf(firstRootKey: Uint8Array): string {
  return toHex(sha256(firstRootKey)).slice(0, 32);
}
