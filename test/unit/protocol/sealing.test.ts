/** What is sealed held against tweetnacl, whose bytes it has to be; and all that must not open. */
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { createBoxKeys } from '../../../shared/keys.ts';
import {
  assertUsableBoxKey,
  createContentKey,
  decryptWith,
  encryptWith,
  openSealed,
  SEAL_BYTES,
  SealOpener,
  sealTo,
} from '../../../shared/sealing.ts';
import { boxKeysFrom, bytesFrom } from '../../support/keys.ts';
import { codeOf } from '../../support/refusal.ts';

const CONTENTS = [0, 1, 63, 64, 65, 10_000].map((length) => bytesFrom(`content/${length}`, length));
const NODE = boxKeysFrom('node');

describe('sealing to a key', () => {
  it('gives what only the holder of the key reads, and is as long as it says', () => {
    for (const content of CONTENTS) {
      const sealed = sealTo(NODE.publicKey, content);
      expect(sealed).toHaveLength(content.length + SEAL_BYTES);
      expect(openSealed(NODE.secret, sealed)).toEqual(content);
      expect(codeOf(() => openSealed(createBoxKeys().secret, sealed))).toBe('cannot-unseal');
    }
  });

  it('makes a box that tweetnacl opens', () => {
    for (const content of CONTENTS) {
      const sealed = Uint8Array.from(sealTo(NODE.publicKey, content));
      const box = sealed.subarray(57);
      expect(nacl.box.open(box, sealed.subarray(33, 57), sealed.subarray(1, 33), NODE.secret)).toEqual(content);
    }
  });

  it('opens a box that tweetnacl made', () => {
    for (const content of CONTENTS) {
      const { publicKey, secretKey } = nacl.box.keyPair();
      const nonce = nacl.randomBytes(24);
      const box = nacl.box(content, nonce, NODE.publicKey, secretKey);
      expect(openSealed(NODE.secret, Uint8Array.from([1, ...publicKey, ...nonce, ...box]))).toEqual(content);
    }
  });

  it('agrees with tweetnacl for keys with the highest bit set, which is ignored', () => {
    const opener = new SealOpener(NODE.secret);
    const { publicKey, secretKey } = nacl.box.keyPair();
    const nonce = nacl.randomBytes(24);
    const box = nacl.box(CONTENTS[3]!, nonce, NODE.publicKey, secretKey);
    const odd = Uint8Array.from(publicKey);
    odd[31] = odd[31]! | 0x80;
    expect(opener.open(Uint8Array.from([1, ...odd, ...nonce, ...box]))).toEqual(CONTENTS[3]);
  });

  it('never makes the same twice', () => {
    const sealed = Array.from({ length: 10 }, () => Buffer.from(sealTo(NODE.publicKey, CONTENTS[1]!)));
    expect(new Set(sealed.map((one) => one.subarray(1, 33).toString('hex'))).size).toBe(10);
    expect(new Set(sealed.map((one) => one.subarray(33, 57).toString('hex'))).size).toBe(10);
  });

  it('opens nothing with one bit turned, and nothing cut', () => {
    const opener = new SealOpener(NODE.secret);
    const sealed = Uint8Array.from(sealTo(NODE.publicKey, bytesFrom('bits')));
    const ignored = 8 * 32 + 7;
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const turned = Uint8Array.from(sealed);
      turned[bit >> 3] = turned[bit >> 3]! ^ (1 << (bit & 7));
      expect(
        codeOf(() => opener.open(turned)),
        `bit ${bit}`,
      ).toBe(bit === ignored ? 'accepted' : 'cannot-unseal');
    }
    for (let length = 0; length < sealed.length; length++)
      expect(codeOf(() => opener.open(sealed.subarray(0, length)))).toBe('cannot-unseal');
  });
});

describe('box keys of small order', () => {
  const PRIME = 2n ** 255n - 19n;
  const toLittleEndian = (value: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
  const ORDER_8 = [
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  ];
  const small = [0n, 1n, PRIME - 1n, PRIME, PRIME + 1n, ...ORDER_8].flatMap((u) => [
    toLittleEndian(u),
    toLittleEndian(u | (1n << 255n)),
  ]);

  it('are those whose agreement tweetnacl makes zero', () => {
    for (const key of small) expect(nacl.scalarMult(NODE.secret, key)).toEqual(new Uint8Array(32));
  });

  it('are not sealed to', () => {
    for (const key of small) expect(codeOf(() => sealTo(key, CONTENTS[1]!))).toBe('bad-key');
    for (const key of small) expect(codeOf(() => assertUsableBoxKey(key))).toBe('bad-key');
  });

  it('open nothing, though everybody can compute the key', () => {
    const nonce = nacl.randomBytes(24);
    for (const key of small) {
      const box = nacl.box.after(CONTENTS[1]!, nonce, nacl.box.before(key, NODE.secret));
      expect(codeOf(() => openSealed(NODE.secret, Uint8Array.from([1, ...key, ...nonce, ...box])))).toBe(
        'cannot-unseal',
      );
    }
  });

  it('are told from keys of another length, and from keys that somebody made', () => {
    expect(codeOf(() => sealTo(NODE.publicKey.subarray(1), CONTENTS[1]!))).toBe('bad-key');
    expect(codeOf(() => assertUsableBoxKey(createBoxKeys().publicKey))).toBe('accepted');
  });
});

describe('bytes under a key of their own', () => {
  it('are read with that key alone', () => {
    for (const content of CONTENTS) {
      const key = createContentKey();
      const encrypted = encryptWith(key, content);
      expect(decryptWith(key, encrypted)).toEqual(content);
      expect(codeOf(() => decryptWith(createContentKey(), encrypted))).toBe('cannot-unseal');
      expect(codeOf(() => decryptWith(key.subarray(1), encrypted))).toBe('cannot-unseal');
    }
  });

  it('are not read with one bit turned, or cut', () => {
    const key = createContentKey();
    const encrypted = encryptWith(key, bytesFrom('bits'));
    for (let bit = 0; bit < encrypted.length * 8; bit++) {
      const turned = Uint8Array.from(encrypted);
      turned[bit >> 3] = turned[bit >> 3]! ^ (1 << (bit & 7));
      expect(
        codeOf(() => decryptWith(key, turned)),
        `bit ${bit}`,
      ).toBe('cannot-unseal');
    }
    for (let length = 0; length < encrypted.length; length++)
      expect(codeOf(() => decryptWith(key, encrypted.subarray(0, length)))).toBe('cannot-unseal');
  });
});
