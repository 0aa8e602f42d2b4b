/** The three implementations of Ed25519 held against each other: a signature that only some accept would split the fleet. */
import { Buffer } from 'node:buffer';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { createSignKeys } from '../../../shared/keys.ts';
import { assertUsableKey, sha256, signerFromSeed, VerifyKey, verifyPortable } from '../../../shared/signing.ts';
import { bytesFrom, signKeysFrom } from '../../support/keys.ts';
import { codeOf } from '../../support/refusal.ts';

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PRIME = 2n ** 255n - 19n;

const toLittleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
const fromLittleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** The verdict, and that native and portable code share it. */
function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const native = new VerifyKey(publicKey).verify(message, signature);
  expect(verifyPortable(publicKey, message, signature)).toBe(native);
  return native;
}

describe('signing', () => {
  const messages = [0, 1, 31, 32, 63, 64, 1_000].map((length) => bytesFrom(`message/${length}`, length));

  it('makes the very bytes that tweetnacl makes', async () => {
    for (const message of messages) {
      const { publicKey, secret } = createSignKeys();
      const signer = signerFromSeed(secret);
      expect(signer.publicKey).toEqual(publicKey);
      const signature = await signer.sign(message);
      const { secretKey } = nacl.sign.keyPair.fromSeed(secret);
      expect(Buffer.from(signature)).toEqual(Buffer.from(nacl.sign.detached(message, secretKey)));
      expect(verdict(publicKey, message, signature)).toBe(true);
    }
  });

  it('refuses each signature with one bit turned, in both implementations', async () => {
    const { signer } = signKeysFrom('bits');
    const message = bytesFrom('bits');
    const signature = await signer.sign(message);
    // Each 7th bit reaches every byte and every place within one.
    for (let bit = 0; bit < 512; bit += 7) {
      const turned = Uint8Array.from(signature);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verdict(signer.publicKey, message, turned)).toBe(false);
    }
  });

  it('refuses the twin of a signature, whose S is not below the group order', async () => {
    const { signer } = signKeysFrom('twin');
    const message = bytesFrom('twin');
    const signature = await signer.sign(message);
    const s = fromLittleEndian(signature.subarray(32));
    for (let multiple = 1n; s + multiple * ORDER < 2n ** 256n; multiple++) {
      const twin = Uint8Array.from([...signature.subarray(0, 32), ...toLittleEndian(s + multiple * ORDER)]);
      expect(verdict(signer.publicKey, message, twin)).toBe(false);
    }
  });

  it('refuses the S that tweetnacl alone would take', async () => {
    const { signer } = signKeysFrom('malleable');
    const message = bytesFrom('malleable');
    const signature = await signer.sign(message);
    const twin = Uint8Array.from([
      ...signature.subarray(0, 32),
      ...toLittleEndian(fromLittleEndian(signature.subarray(32)) + ORDER),
    ]);
    expect(nacl.sign.detached.verify(message, twin, signer.publicKey)).toBe(true);
    expect(verifyPortable(signer.publicKey, message, twin)).toBe(false);
  });

  it('refuses signatures and keys of another length', async () => {
    const { signer } = signKeysFrom('length');
    const message = bytesFrom('length');
    const signature = await signer.sign(message);
    expect(verdict(signer.publicKey, message, signature.subarray(0, 63))).toBe(false);
    expect(verdict(signer.publicKey, message, Uint8Array.from([...signature, 0]))).toBe(false);
    expect(verifyPortable(signer.publicKey.subarray(1), message, signature)).toBe(false);
    expect(codeOf(() => new VerifyKey(signer.publicKey.subarray(1)))).toBe('bad-key');
  });
});

describe('public keys', () => {
  const smallOrderY = [
    0n,
    1n,
    PRIME - 1n,
    fromLittleEndian(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
    fromLittleEndian(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
  ];

  it('are refused when they are of small order, with either sign, for any signature would fit some message', () => {
    const keys = smallOrderY.flatMap((y) => [toLittleEndian(y), toLittleEndian(y | (1n << 255n))]);
    expect(keys.map((key) => codeOf(() => assertUsableKey(key)))).toEqual(keys.map(() => 'bad-key'));
  });

  it('are refused in every spelling but the canonical one', () => {
    const keys = Array.from({ length: 19 }, (_, at) => PRIME + BigInt(at)).flatMap((y) => [
      toLittleEndian(y),
      toLittleEndian(y | (1n << 255n)),
    ]);
    expect(keys.map((key) => codeOf(() => assertUsableKey(key)))).toEqual(keys.map(() => 'bad-key'));
  });

  it('are taken when somebody made them', () => {
    expect(codeOf(() => assertUsableKey(createSignKeys().publicKey))).toBe('accepted');
    expect(codeOf(() => assertUsableKey(toLittleEndian(PRIME - 2n)))).toBe('accepted');
  });

  it('that are no point of the curve fit no signature', async () => {
    const { signer } = signKeysFrom('off the curve');
    const message = bytesFrom('off the curve');
    const signature = await signer.sign(message);
    // About half of all y are on no point.
    const verdicts = Array.from({ length: 20 }, (_, at) => verdict(toLittleEndian(BigInt(at + 2)), message, signature));
    expect(verdicts).not.toContain(true);
  });
});

describe('sha256', () => {
  it('hashes parts as one', () => {
    expect(sha256(Uint8Array.of(1), Uint8Array.of(2))).toEqual(sha256(Uint8Array.of(1, 2)));
  });
});
