import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RememberedSignatures } from '../../../controller/remembered-signatures.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { SignatureMemo } from '../../../shared/signature-memo.ts';
import { signerFromSeed, VerifyKey } from '../../../shared/signing.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const signer = signerFromSeed(randomBytes(32));
const other = new VerifyKey(signerFromSeed(randomBytes(32)).publicKey);
const secret = randomBytes(32);

/** Counts what is really computed. */
class CountingKey extends VerifyKey {
  computed = 0;
  override verify(bytes: Uint8Array, signature: Uint8Array): boolean {
    this.computed++;
    return super.verify(bytes, signature);
  }
}
const messages = Array.from({ length: 5 }, (_, at) => Buffer.from(`message ${at}`));
const verifyAll = (memo: SignatureMemo, key: VerifyKey): boolean[] =>
  messages.map((bytes) => memo.verify(key, bytes, signer.signNow(bytes)));
const create = (capacity = 100): SignatureMemo => new SignatureMemo({ capacity });

describe('signatures that were verified before', () => {
  it('are not computed again, over a restart neither', () => {
    const [memo, key] = [create(), new CountingKey(signer.publicKey)];
    for (let time = 0; time < 3; time++) expect(verifyAll(memo, key)).toEqual([true, true, true, true, true]);
    expect([key.computed, memo.added]).toEqual([5, 5]);
    const next = create();
    expect(next.load(memo.toBytes(secret), secret)).toBe(true);
    expect(verifyAll(next, key)).toEqual([true, true, true, true, true]);
    expect([key.computed, next.added]).toEqual([5, 0]);
  });

  it('say nothing about other bytes, other keys, or other signatures', () => {
    const memo = create();
    verifyAll(memo, new VerifyKey(signer.publicKey));
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = messages;
    const key = new VerifyKey(signer.publicKey);
    const signature = signer.signNow(first);
    expect(memo.verify(other, first, signature)).toBe(false);
    expect(memo.verify(key, second, signature)).toBe(false);
    expect(memo.verify(key, first, Buffer.concat([signature.subarray(0, 63), Buffer.from([signature[63]! ^ 1])]))).toBe(false); // prettier-ignore
    // What moves a byte from one part to the other is something else, too.
    expect(memo.verify(key, Buffer.concat([signature.subarray(63), first]), signature.subarray(0, 63))).toBe(false);
    expect(memo.added).toBe(5);
  });

  it('are known by whole hashes: half of one could be met by who chooses both messages', () => {
    const memo = create();
    verifyAll(memo, new VerifyKey(signer.publicKey));
    expect(memo.toBytes(secret)).toHaveLength(32 + messages.length * 32);
  });

  it('that did not hold are computed each time', () => {
    const [memo, key] = [create(), new CountingKey(signer.publicKey)];
    for (let time = 0; time < 2; time++) expect(memo.verify(key, messages[0]!, Buffer.alloc(64))).toBe(false);
    expect(key.computed).toBe(2);
  });

  it('are kept up to a number, those that were needed last', () => {
    const memo = create(2);
    const key = new CountingKey(signer.publicKey);
    verifyAll(memo, key);
    memo.verify(key, messages[0]!, signer.signNow(messages[0]!));
    const next = create(2);
    next.load(memo.toBytes(secret), secret);
    key.computed = 0;
    for (const at of [0, 4]) next.verify(key, messages[at]!, signer.signNow(messages[at]!));
    expect(key.computed).toBe(0);
    next.verify(key, messages[3]!, signer.signNow(messages[3]!));
    expect(key.computed).toBe(1);
  });

  it.each([
    ['one byte is another', (bytes: Uint8Array) => bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)), secret],
    ['an entry was added', (bytes: Uint8Array) => Buffer.concat([bytes, randomBytes(16)]), secret],
    ['it is cut', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 5), secret],
    ['it is empty', () => new Uint8Array(), secret],
    ['it is of other keys', (bytes: Uint8Array) => bytes, randomBytes(32)],
  ])('are not believed where %s', (_, change, key) => {
    const memo = create();
    verifyAll(memo, new VerifyKey(signer.publicKey));
    const next = create();
    expect(next.load(change(memo.toBytes(secret)), key)).toBe(false);
    verifyAll(next, new VerifyKey(signer.publicKey));
    expect(next.added).toBe(5);
  });
});

describe('the file of a caller', () => {
  const identity = { boxSecret: secret, fleetId: 'f'.repeat(32), name: 'alice' };

  it('is there for the next command line, and for no other caller', async () => {
    const folder = temporaryFolder();
    const first = new RememberedSignatures(folder, identity);
    const key = new CountingKey(signer.publicKey);
    const many = Array.from({ length: LIMITS.rememberedWorth }, (_, at) => Buffer.from(`entry ${at}`));
    const verify = (who: RememberedSignatures): boolean =>
      many.every((bytes) => who.memo.verify(key, bytes, signer.signNow(bytes)));
    expect(verify(first)).toBe(true);
    await first.keep();
    key.computed = 0;
    expect(verify(new RememberedSignatures(folder, identity))).toBe(true);
    expect(key.computed).toBe(0);
    expect(verify(new RememberedSignatures(folder, { ...identity, name: 'bob' }))).toBe(true);
    expect(key.computed).toBe(many.length);
  });

  it('is nobody’s trouble where it can not be written', async () => {
    const remembered = new RememberedSignatures('/dev/null/nowhere', identity);
    for (let at = 0; at < LIMITS.rememberedWorth; at++) {
      const bytes = Buffer.from(`entry ${at}`);
      remembered.memo.verify(new VerifyKey(signer.publicKey), bytes, signer.signNow(bytes));
    }
    await expect(remembered.keep()).resolves.toBeUndefined();
  });
});
