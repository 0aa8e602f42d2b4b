/**
 * A secret under a passphrase, as it stands in a file: scrypt makes a key of the passphrase (slowly, and in a lot of
 * memory, so that guessing is dear), secretbox does the rest. The parameters are in the file: they may grow.
 */
import { randomBytes, scrypt } from 'node:crypto';
import * as z from 'zod';
import { SettingsError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { decryptWith, encryptWith } from './sealing.ts';

export const Sealed = z.strictObject({
  kdf: z.literal('scrypt'),
  /** Cost, block size, lanes. What a file asks for is bounded: a damaged one must not take all memory. */
  n: z.number().int().min(2).max(LIMITS.scryptMaxN),
  r: z.number().int().min(1).max(32),
  p: z.number().int().min(1).max(16),
  salt: z.base64(),
  box: z.base64(),
});
export type Sealed = z.infer<typeof Sealed>;

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const BLOCK_SIZE = 8;
/** scrypt needs 128 bytes for each of n times r, and a little. */
const memoryFor = (n: number, r: number): number => 128 * n * r + 1024 * 1024;

/** @param n cost: a power of two */
export async function sealWithPassphrase(
  secret: Uint8Array,
  passphrase: string,
  n: number = LIMITS.scryptN,
): Promise<Sealed> {
  const salt = randomBytes(SALT_BYTES);
  const key = await keyFrom(passphrase, salt, { n, r: BLOCK_SIZE, p: 1 });
  const box = Buffer.from(encryptWith(key, secret)).toString('base64');
  return { kdf: 'scrypt', n, r: BLOCK_SIZE, p: 1, salt: salt.toString('base64'), box };
}

/** @throws SettingsError `wrong-passphrase`, also where the file is damaged: nobody can tell the two apart */
export async function openWithPassphrase(sealed: Sealed, passphrase: string): Promise<Uint8Array> {
  try {
    const key = await keyFrom(passphrase, Buffer.from(sealed.salt, 'base64'), sealed);
    return decryptWith(key, Buffer.from(sealed.box, 'base64'));
  } catch {
    throw new SettingsError('the passphrase is wrong, or the file is damaged', {
      code: 'wrong-passphrase',
      hint: 'Try again; upper and lower case count. Without the passphrase the key is lost: use another copy of it.',
    });
  }
}

function keyFrom(
  passphrase: string,
  salt: Uint8Array,
  { n, r, p }: Pick<Sealed, 'n' | 'r' | 'p'>,
): Promise<Uint8Array> {
  // One spelling of a letter with an accent, whatever keyboard it was typed on.
  const text = passphrase.normalize('NFKC');
  return new Promise((resolve, reject) => {
    scrypt(text, salt, KEY_BYTES, { N: n, r, p, maxmem: p * memoryFor(n, r) }, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}
