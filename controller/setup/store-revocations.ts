/**
 * Stores the fleet's list of revocations on the bus, from where every node hears it at once: what the register says,
 * and what the newest list said. Read, changed and written; one keeper at a time, under the lock of the fleet's folder.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { decode } from '../../shared/codec.ts';
import { FleetError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { standingOf } from '../../shared/revocations.ts';
import { toHex } from '../../shared/signing.ts';
import { controlStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { takeRevocations, type TakeRevocationsDependencies } from '../../shared/take-revocations.ts';
import { TrustStore } from '../../shared/trust.ts';
import { parseEnvelope, seal } from '../../shared/wire/envelope.ts';
import { encodeRevocations, RevocationList, type RevocationEntry } from '../../shared/wire/revocations.ts';
import type { Issued } from './register.ts';
import { revocationEntries } from './revocation-entries.ts';

export interface StoredRevocations {
  readonly revision: number;
  readonly entries: readonly RevocationEntry[];
}

export interface StoreRevocationsDependencies {
  readonly bus: Bus;
  /** Who signs: the fleet's issuer. */
  readonly issuer: Identity;
  readonly clock: Clock;
}

/** Changes nothing where the newest list says it all, and is this issuer's. Undefined where nothing was ever revoked. */
export async function storeRevocations(
  issued: readonly Issued[],
  { bus, clock, issuer }: StoreRevocationsDependencies,
): Promise<StoredRevocations | undefined> {
  const subjects = new Subjects(issuer.fleet);
  const subject = subjects.controlDocument('revoked');
  const stored = await bus.load(controlStream(issuer.fleet), subject);
  const now = clock.now();
  const trust = new TrustStore(issuer, { clock });
  // The list of an issuer that was revoked since is none.
  trust.revocations.add(revocationEntries(issued, [], now), standingOf(issuer.credential), now);
  const newest = stored && readNewest(new Uint8Array(stored.data), issuer, { clock, subjects, trust });
  const entries = revocationEntries(issued, newest?.entries ?? [], now);
  if (entries.length === 0 && stored === undefined) return undefined;
  if (newest?.isOwn === true && isSame(newest.entries, entries)) return { revision: newest.revision, entries };
  const revision = Math.max(now, (newest?.revision ?? 0) + 1);
  const payload = encodeRevocations({ subject, revision, entries });
  await bus.store(subject, await seal('revocation', issuer.fleetId, issuer, payload, { inlineCredential: true }));
  return { revision, entries };
}

interface Newest extends StoredRevocations {
  /** Whether the issuer that signs now signed it, too. */
  readonly isOwn: boolean;
}

/**
 * What somebody put there who may not is counted for its number alone: ours has to be higher. Numbers ahead of the clock
 * are taken by nobody.
 */
function readNewest(envelope: Uint8Array, issuer: Identity, dependencies: TakeRevocationsDependencies): Newest {
  try {
    const list = takeRevocations(envelope, 0, dependencies);
    const [, , [signature]] = parseEnvelope(envelope);
    const isOwn = signature !== undefined && Buffer.compare(signature[1], issuer.credential.bytes) === 0;
    return { revision: list?.revision ?? 0, entries: list?.entries ?? [], isOwn };
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return { revision: numberOf(envelope, dependencies.clock.now()), entries: [], isOwn: false };
  }
}

function numberOf(envelope: Uint8Array, now: number): number {
  try {
    const list = RevocationList.safeParse(decode(parseEnvelope(envelope)[1]));
    return list.success && list.data.revision <= now + LIMITS.clockSkewMs ? list.data.revision : 0;
  } catch {
    return 0;
  }
}

function isSame(some: readonly RevocationEntry[], others: readonly RevocationEntry[]): boolean {
  const ids = (entries: readonly RevocationEntry[]): string =>
    entries
      .map(({ serial = '', key }) => `${serial} ${key === undefined ? '' : toHex(key)}`)
      .toSorted()
      .join('\n');
  return ids(some) === ids(others);
}
