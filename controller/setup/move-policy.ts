/**
 * The policy of a fleet under its new root: who signed it has a new credential, so it's signed once more with that, where
 * the file of an admin is in this folder. Otherwise somebody has to push it.
 */
import { existsSync } from 'node:fs';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { controlStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { ADMIN_ROLE, openPolicy, sealPolicy, type SignedPolicy } from '../../shared/take-policy.ts';
import { TrustStore } from '../../shared/trust.ts';
import { topOf } from '../../shared/wire/credential.ts';
import type { FleetHome } from './fleet-home.ts';

export interface PolicyDependencies {
  readonly bus: Bus;
  /** Whose roots hold now. */
  readonly issuer: Identity;
  /** Public key of the root that is to stay. */
  readonly root: Uint8Array;
  readonly clock: Clock;
}

/** Whether the policy comes from that root now, or there is none. */
export async function movePolicy(home: FleetHome, dependencies: PolicyDependencies): Promise<boolean> {
  const { bus, clock, issuer, root } = dependencies;
  const found = await readPolicyOn(dependencies);
  if (found === undefined) return true;
  if (found === 'bad') return false;
  if (isUnder(root, found.signed)) return true;
  const admin = await findAdmin(home, root);
  if (admin === undefined) return false;
  const { document } = found.signed;
  const revision = Math.max(clock.now(), document.revision + 1);
  try {
    const envelope = await sealPolicy(issuer.fleetId, admin, { ...document, revision });
    await bus.store(document.subject, envelope, { expectedSequence: found.sequence });
    return true;
  } catch (error) {
    // An agent that holds the key isn't asked here; or somebody pushed another one meanwhile.
    if (error instanceof FleetError) return false;
    throw error;
  }
}

/** The same, and nothing is changed. */
export async function isPolicyUnder(dependencies: PolicyDependencies): Promise<boolean> {
  const found = await readPolicyOn(dependencies);
  return found === undefined || (found !== 'bad' && isUnder(dependencies.root, found.signed));
}

async function readPolicyOn({
  bus,
  clock,
  issuer,
}: PolicyDependencies): Promise<{ signed: SignedPolicy; sequence: number } | 'bad' | undefined> {
  const subjects = new Subjects(issuer.fleet);
  const stored = await bus.load(controlStream(issuer.fleet), subjects.controlDocument('policy'));
  if (stored === undefined) return undefined;
  try {
    const trust = new TrustStore(issuer, { clock });
    return { signed: openPolicy(new Uint8Array(stored.data), { trust, subjects, clock }), sequence: stored.sequence };
  } catch (error) {
    if (error instanceof FleetError) return 'bad';
    throw error;
  }
}

const isUnder = (root: Uint8Array, { signer }: SignedPolicy): boolean =>
  toHex(topOf(signer).body.issuer) === toHex(sha256(root));

async function findAdmin(home: FleetHome, root: Uint8Array): Promise<Identity | undefined> {
  const { issued } = await home.read();
  for (const { kind, limits, name, replaced, revoked, roles } of issued) {
    const isAdmin =
      kind === 'operator' && roles?.includes(ADMIN_ROLE) === true && Object.keys(limits ?? {}).length === 0;
    const path = home.operator(name);
    if (!isAdmin || replaced !== undefined || revoked !== undefined || !existsSync(path)) continue;
    const identity = readIdentity(path);
    if (toHex(identity.credential.body.issuer) === toHex(sha256(root))) return identity;
  }
  return undefined;
}
