/**
 * Signatures that were verified before: what held once holds for ever, so of what lasts (credentials, roster, inventory)
 * none needs to be computed again. It says nothing else: validity in time, revocation, limits and revisions are looked at
 * as always. To keep it over restarts, it has bytes, under a MAC by who keeps them: nobody else can add to it.
 *
 *   32 bytes: HMAC-SHA-256 of the rest | for each signature SHA-256 over key, signature and signed bytes
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { asBuffer, sha256, SIGNATURE_BYTES, type VerifyKey } from './signing.ts';

const MAC_BYTES = 32;
/** A whole hash: whoever chooses what is signed and what is passed off for it needs 2^128 tries; with half of it, 2^64. */
const ENTRY_BYTES = 32;

export interface SignatureMemoOptions {
  /** Most that are kept. */
  readonly capacity: number;
}

export class SignatureMemo {
  readonly #capacity: number;
  /** In the order in which they were last needed. */
  readonly #known = new Set<string>();
  #added = 0;

  constructor({ capacity }: SignatureMemoOptions) {
    this.#capacity = capacity;
  }

  /** How many were verified that were not known. */
  get added(): number {
    return this.#added;
  }

  verify(key: VerifyKey, bytes: Uint8Array, signature: Uint8Array): boolean {
    // Parts of a fixed length: no byte can move from one to the next.
    if (signature.length !== SIGNATURE_BYTES) return false;
    const entry = asBuffer(sha256(key.bytes, signature, bytes)).toString('latin1', 0, ENTRY_BYTES);
    // Last in line again.
    if (this.#known.delete(entry)) return this.#known.add(entry).has(entry);
    if (!key.verify(bytes, signature)) return false;
    this.#known.add(entry);
    this.#added++;
    return true;
  }

  /** All of them as bytes, the newest last; the oldest beyond the capacity are left out. */
  toBytes(key: Uint8Array): Uint8Array {
    const kept = [...this.#known].slice(-this.#capacity);
    const entries = Buffer.from(kept.join(''), 'latin1');
    return Buffer.concat([macOf(key, entries), entries]);
  }

  /** Adds what these bytes have; false, and nothing is added, where they are damaged or somebody else's. */
  load(bytes: Uint8Array, key: Uint8Array): boolean {
    const entries = asBuffer(bytes.subarray(MAC_BYTES));
    if (bytes.length < MAC_BYTES || entries.length % ENTRY_BYTES !== 0) return false;
    if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(key, entries))) return false;
    for (let at = 0; at < entries.length; at += ENTRY_BYTES)
      this.#known.add(entries.toString('latin1', at, at + ENTRY_BYTES));
    return true;
  }
}

/** @param key of who keeps the bytes, 32 secret bytes that are used for other things, too */
function macOf(key: Uint8Array, entries: Uint8Array): Buffer {
  const own = hkdfSync('sha256', key, '', 'fleet/1/signature-memo/32', MAC_BYTES);
  return createHmac('sha256', new Uint8Array(own)).update(entries).digest();
}
