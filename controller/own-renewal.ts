/**
 * A new credential for the keys of the caller, fetched when it connects and kept in its identity file: who keeps a fleet
 * need not carry files to all operators when a root is replaced.
 */
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { FleetError } from '../shared/errors.ts';
import { updateIdentity, type Identity } from '../shared/identity.ts';
import { controlStream } from '../shared/streams.ts';
import type { Subjects } from '../shared/subjects.ts';
import { isRenewable, takeRenewal } from '../shared/take-renewal.ts';
import type { TrustStore } from '../shared/trust.ts';

/** What the bus has for this identity. Not there, or not to be read: undefined. */
export async function loadRenewal(
  { credential, fleet, name }: Identity,
  { bus, subjects }: { bus: Bus; subjects: Subjects },
): Promise<Uint8Array | undefined> {
  const { kind } = credential.body;
  if (!isRenewable(kind)) return undefined;
  try {
    const stored = await bus.load(controlStream(fleet), subjects.renewal(kind, name));
    return stored && new Uint8Array(stored.data);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** The identity with it, where it is newer and holds; undefined otherwise. */
export function renewed(
  identity: Identity,
  envelope: Uint8Array,
  dependencies: { trust: TrustStore; subjects: Subjects; clock: Clock },
): Identity | undefined {
  try {
    const renewal = takeRenewal(envelope, identity.credential, 0, dependencies);
    if (renewal === undefined) return undefined;
    const { credential, login = identity.loginJwt } = renewal;
    return { ...identity, credential, loginJwt: login, roots: dependencies.trust.roots };
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** @returns what went wrong, for people; the next connection fetches it again */
export async function keepRenewed(path: string, identity: Identity): Promise<string | undefined> {
  try {
    await updateIdentity(path, identity);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `your new credential could not be written to ${path}: ${why}`;
  }
}
