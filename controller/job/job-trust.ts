/**
 * Whose words in a record are believed: whoever's hold now, or held when the bus stored them. A credential may have
 * expired or been renewed since; what was said under it is as true as it was.
 */
import { FleetError } from '../../shared/errors.ts';
import type { TrustStore, VerifiedCredential } from '../../shared/trust.ts';
import type { CredentialSource } from '../../shared/wire/envelope.ts';
import { HistoryTrust } from '../audit/history-trust.ts';
import type { RosterNode } from '../directory.ts';

export class JobTrust implements CredentialSource {
  readonly fleetId: string;
  readonly #now: TrustStore;
  readonly #history: HistoryTrust;
  readonly #roster: ReadonlyMap<string, RosterNode>;

  constructor(
    options: { readonly fleetId: string; readonly roots: readonly Uint8Array[] },
    { trust, roster }: { trust: TrustStore; roster: ReadonlyMap<string, RosterNode> },
  ) {
    this.fleetId = options.fleetId;
    this.#now = trust;
    this.#history = new HistoryTrust(options);
    this.#roster = roster;
  }

  /** These may be named by the hash of their credential. */
  introduce(nodes: readonly string[]): void {
    for (const name of nodes) {
      const node = this.#roster.get(name);
      if (node?.issued !== undefined) this.#history.introduce(node.issued);
      // Asking for it verifies it, and makes it known.
      void node?.credential;
    }
  }

  /** What is asked from now on was stored then. */
  lookAt(storedAt: number): void {
    this.#history.lookAt(storedAt);
  }

  /** @throws ProtocolError `unknown-signer`, `bad-credential`, `credential-expired`, … */
  resolve(credentialOrHash: Uint8Array): VerifiedCredential {
    try {
      return this.#now.resolve(credentialOrHash);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      return this.#history.resolve(credentialOrHash);
    }
  }
}
