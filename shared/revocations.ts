/**
 * What is revoked, as one reader knows it: everything that any list it took has ever said. A later list only adds, so a
 * list from before, or from somebody who got an issuer's key, takes nothing back.
 *
 * An issuer counts as revoked only where the list was signed by an issuer that came after it: by `notBefore` of the link
 * that the root issued, which only the root can make later. The thief of an old issuer's key could revoke its successor
 * otherwise, and nobody would be left to revoke the old one.
 */
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { sha256, toHex } from './signing.ts';
import { topOf, type Credential } from './wire/credential.ts';
import type { RevocationEntry } from './wire/revocations.ts';

/** An entry, and how much its signers could say. */
export interface Revoked extends RevocationEntry {
  /** The latest of its signers' standings. */
  readonly standing: number;
}

/** Which link of a chain is revoked, and what was said of it. */
export interface FoundRevocation {
  readonly link: Credential;
  readonly entry: Revoked;
}

/** `notBefore` of the link of a chain that a root issued. */
export function standingOf(credential: Credential): number {
  return topOf(credential).body.notBefore;
}

export class Revocations {
  readonly #bySerial = new Map<string, Revoked>();
  /** By hash of the key, hex. */
  readonly #byKey = new Map<string, Revoked>();
  readonly #keyHashes = new WeakMap<Credential, string>();

  get size(): number {
    return this.#bySerial.size + this.#byKey.size;
  }

  /** Each speaks of a serial or of a key, never of both: they may have been named by lists of different standing. */
  *entries(): Generator<Revoked> {
    yield* this.#bySerial.values();
    yield* this.#byKey.values();
  }

  /**
   * Adds what a list says; what was known stays. Where a reader has no room left, what only issuers said that came before
   * this one goes first: the thief of an old key must not be able to fill it.
   *
   * @param now milliseconds since the epoch; what expired longer ago than clocks may be apart goes
   * @throws ProtocolError `too-many-revocations`
   */
  add(entries: readonly RevocationEntry[], standing: number, now: number): void {
    this.#drop(({ until }) => until + LIMITS.clockSkewMs < now);
    const room = LIMITS.revocationsKept - this.#newIn(entries);
    if (this.size > room) this.#drop((known) => known.standing < standing);
    if (this.size + this.#newIn(entries) > LIMITS.revocationsKept)
      throw new ProtocolError(`more than ${LIMITS.revocationsKept} revocations are not kept`, {
        code: 'too-many-revocations',
      });
    for (const entry of entries) this.restore({ ...entry, standing });
  }

  /** One that was kept over a restart. */
  restore({ serial, key, ...entry }: Revoked): void {
    if (serial !== undefined) this.#bySerial.set(serial, merged(this.#bySerial.get(serial), { ...entry, serial }));
    if (key === undefined) return;
    const id = toHex(key);
    this.#byKey.set(id, merged(this.#byKey.get(id), { ...entry, key }));
  }

  /** The first link of a chain, from its end on, that is revoked. Two look-ups a link. */
  find(credential: Credential): FoundRevocation | undefined {
    if (this.size === 0) return undefined;
    for (let link: Credential | undefined = credential; link !== undefined; link = link.issuer)
      for (const entry of [this.#bySerial.get(link.body.serial), this.#byKey.get(this.#keyHashOf(link))])
        if (entry !== undefined && mayRevoke(entry, link)) return { link, entry };
    return undefined;
  }

  /** @throws ProtocolError `revoked` */
  assertNotRevoked(credential: Credential): void {
    const found = this.find(credential);
    if (found !== undefined) throw new ProtocolError(describeRevocation(credential, found), { code: 'revoked' });
  }

  #keyHashOf(credential: Credential): string {
    let known = this.#keyHashes.get(credential);
    if (known === undefined) {
      known = toHex(sha256(credential.body.sign));
      this.#keyHashes.set(credential, known);
    }
    return known;
  }

  /** How many serials and keys a list names that are not known yet. */
  #newIn(entries: readonly RevocationEntry[]): number {
    let count = 0;
    for (const { serial, key } of entries) {
      if (serial !== undefined && !this.#bySerial.has(serial)) count++;
      if (key !== undefined && !this.#byKey.has(toHex(key))) count++;
    }
    return count;
  }

  #drop(isUnwanted: (entry: Revoked) => boolean): void {
    for (const known of [this.#bySerial, this.#byKey])
      for (const [id, entry] of known) if (isUnwanted(entry)) known.delete(id);
  }
}

function mayRevoke(entry: Revoked, link: Credential): boolean {
  return link.body.kind !== 'issuer' || entry.standing > standingOf(link);
}

function merged(before: Revoked | undefined, entry: Revoked): Revoked {
  if (before === undefined) return entry;
  return {
    ...entry,
    ...before,
    since: Math.min(before.since, entry.since),
    until: Math.max(before.until, entry.until),
    standing: Math.max(before.standing, entry.standing),
  };
}

/** One line for people: who is revoked, by which link, and why. */
export function describeRevocation(credential: Credential, { link, entry: { reason } }: FoundRevocation): string {
  const whose =
    link === credential
      ? `the credential of ${credential.body.name} has been revoked`
      : `the credential of ${credential.body.name} comes from the issuer ${link.body.name}, which has been revoked`;
  return reason === undefined ? whose : `${whose}: ${reason}`;
}
