/**
 * Keys that exactly two know: a node and who commands it, each by its own box secret and the other's box key out of a
 * verified credential. With one, an answer that nobody stores is proven to its caller, and to nobody else, for a fraction of
 * a signature. Bytes: HKDF-SHA-256 of the X25519 agreement (RFC 7748), no salt, info `fleet/1/pairwise/<fleet id>\0`, the
 * node's box key, the caller's box key.
 */
import { createHmac, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { LIMITS } from './limits.ts';
import { agreeOn, assertUsableBoxKey, boxPrivateKey, boxPublicKey } from './sealing.ts';
import { toHex } from './signing.ts';

const MAC_BYTES = 32;

/** Which of the two one is. */
export type PairwiseSide = 'node' | 'caller';

export class PairwiseKeys {
  readonly #fleetId: string;
  readonly #side: PairwiseSide;
  readonly #secret: KeyObject;
  readonly #own: Uint8Array;
  /** By the other's box key, hex. */
  readonly #agreed = new Map<string, Uint8Array>();

  /** @param boxSecret 32 bytes */
  constructor(
    side: PairwiseSide,
    { boxSecret, fleetId }: { readonly boxSecret: Uint8Array; readonly fleetId: string },
  ) {
    this.#fleetId = fleetId;
    this.#side = side;
    this.#secret = boxPrivateKey(boxSecret);
    this.#own = boxPublicKey(this.#secret);
  }

  /** 32 bytes. @throws ProtocolError `bad-key` */
  with(otherBoxKey: Uint8Array): Uint8Array {
    const id = toHex(otherBoxKey);
    const known = this.#agreed.get(id);
    if (known !== undefined) return known;
    const key = this.#agree(otherBoxKey);
    if (this.#agreed.size >= LIMITS.pairwiseKeys) this.#agreed.clear();
    this.#agreed.set(id, key);
    return key;
  }

  #agree(other: Uint8Array): Uint8Array {
    // With a key of small order everybody knows what two sides agree on.
    assertUsableBoxKey(other);
    const [node, caller] = this.#side === 'node' ? [this.#own, other] : [other, this.#own];
    const info = Buffer.concat([Buffer.from(`fleet/1/pairwise/${this.#fleetId}\0`, 'latin1'), node, caller]);
    return new Uint8Array(hkdfSync('sha256', agreeOn(this.#secret, other), '', info, MAC_BYTES));
  }
}

export function macOf(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(bytes).digest();
}

export function isMacOf(key: Uint8Array, bytes: Uint8Array, mac: Uint8Array): boolean {
  return mac.length === MAC_BYTES && timingSafeEqual(mac, macOf(key, bytes));
}
