/**
 * Whom the audit trail is believed: whose credential held when a record was written. It may have expired or been revoked
 * since; what was signed before is as good as it was. Credentials are found where they are spelled out, and on the roster.
 */
import { ProtocolError } from '../../shared/errors.ts';
import { toHex } from '../../shared/signing.ts';
import { TrustStore, type VerifiedCredential } from '../../shared/trust.ts';
import { parseCredential } from '../../shared/wire/credential.ts';
import type { CredentialSource } from '../../shared/wire/envelope.ts';

export interface HistoryTrustOptions {
  readonly fleetId: string;
  /** Those that were pinned and those that hold: what was signed under earlier ones stays. */
  readonly roots: readonly Uint8Array[];
}

const HASH_BYTES = 32;

export class HistoryTrust implements CredentialSource {
  readonly fleetId: string;
  readonly #trust: TrustStore;
  /** Whole credentials by hash, unverified. */
  readonly #known = new Map<string, Uint8Array>();
  /** By hash of an earlier credential of the same keys: the one that took its place, whole. */
  readonly #successors = new Map<string, Uint8Array>();
  #at = 0;

  constructor({ fleetId, roots }: HistoryTrustOptions) {
    this.fleetId = fleetId;
    // No list of revocations is ever put to it.
    this.#trust = new TrustStore(
      { fleetId, roots: distinct(roots) },
      { clock: { now: () => this.#at, monotonic: () => this.#at } },
    );
  }

  /** A credential that batches may name by its hash. @param earlier hashes of those that its keys had before */
  introduce(credential: Uint8Array, earlier: readonly Uint8Array[] = []): void {
    this.#known.set(toHex(parseCredential(credential).hash), credential);
    for (const hash of earlier) this.#successors.set(toHex(hash), credential);
  }

  /** What is asked from now on is asked of that time. */
  lookAt(at: number): void {
    this.#at = at;
  }

  /** @throws ProtocolError `unknown-signer`, `bad-credential`, `credential-expired`, … */
  resolve(credentialOrHash: Uint8Array): VerifiedCredential {
    if (credentialOrHash.length !== HASH_BYTES) {
      const verified = this.#trust.resolve(credentialOrHash);
      this.#known.set(toHex(verified.credential.hash), verified.credential.bytes);
      return verified;
    }
    const known = this.#known.get(toHex(credentialOrHash));
    if (known !== undefined) return this.#trust.resolve(known);
    const successor = this.#successors.get(toHex(credentialOrHash));
    if (successor === undefined) throw new ProtocolError('the signer is not known here', { code: 'unknown-signer' });
    return this.#resolveEarlier(credentialOrHash, successor);
  }

  /** Who issued the later one says that the keys are the same; it may have begun after the record was written. */
  #resolveEarlier(hash: Uint8Array, successor: Uint8Array): VerifiedCredential {
    const at = this.#at;
    this.#at = Math.max(at, parseCredential(successor).body.notBefore);
    try {
      const { credential, verifyKey } = this.#trust.resolve(successor);
      return { credential: { ...credential, hash }, verifyKey };
    } finally {
      this.#at = at;
    }
  }
}

function distinct(roots: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(roots.map((root) => [toHex(root), root])).values()];
}
