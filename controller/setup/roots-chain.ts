/**
 * The chain of a fleet's roots, as its owner's folder keeps it: added to when a root is replaced, stored on the bus, and
 * stored there again where the bus has lost it. Who was away follows it from wherever they are.
 */
import { existsSync, readFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import type { Bus } from '../../shared/bus.ts';
import { FleetError } from '../../shared/errors.ts';
import { followRoots, type FollowedRoots } from '../../shared/follow-roots.ts';
import type { Identity } from '../../shared/identity.ts';
import type { Signer } from '../../shared/signing.ts';
import { controlStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeRoots, sealRoots } from '../../shared/wire/roots.ts';
import type { FleetHome } from './fleet-home.ts';

export interface RootsChain extends FollowedRoots {
  /** Absent as long as the first root is the only one there ever was: revision 0. */
  readonly envelope: Uint8Array | undefined;
}

/** @param issuer whose roots the chain has to lead over @throws ProtocolError for a file that is damaged, or another fleet's */
export function readChain(home: FleetHome, issuer: Identity): RootsChain {
  if (!existsSync(home.roots)) return { envelope: undefined, revision: 0, roots: issuer.roots, ever: issuer.roots };
  const envelope = new Uint8Array(readFileSync(home.roots));
  const { fleet, fleetId } = issuer;
  return { envelope, ...followRoots(envelope, issuer.roots, { fleetId, subjects: new Subjects(fleet) }) };
}

/** One more step: these roots hold from then on. In the folder alone. */
export async function addStep(
  home: FleetHome,
  { fleet, fleetId }: Identity,
  before: RootsChain,
  step: { readonly by: Signer; readonly roots: readonly Uint8Array[] },
): Promise<RootsChain> {
  const revision = before.revision + 1;
  const envelope = await sealRoots(fleetId, step.by, {
    subject: new Subjects(fleet).controlDocument('roots'),
    revision,
    roots: [...step.roots],
    ...(before.envelope === undefined ? {} : { previous: before.envelope }),
  });
  await writeFileAtomic(home.roots, Buffer.from(envelope), { mode: 0o600 });
  return { envelope, revision, roots: step.roots, ever: [...before.ever, ...step.roots] };
}

/** Where the bus has none, or one that doesn't go on from this one: who got an old root can make a longer one. */
export async function storeChain(home: FleetHome, bus: Bus, issuer: Identity): Promise<void> {
  const { envelope } = readChain(home, issuer);
  if (envelope === undefined) return;
  const subjects = new Subjects(issuer.fleet);
  const subject = subjects.controlDocument('roots');
  const stored = await bus.load(controlStream(issuer.fleet), subject);
  if (stored === undefined || !goesOnFrom(envelope, new Uint8Array(stored.data), issuer, subjects))
    await bus.store(subject, envelope);
}

/** The same, or with more steps that hold. */
function goesOnFrom(ours: Uint8Array, stored: Uint8Array, { fleetId, roots }: Identity, subjects: Subjects): boolean {
  try {
    followRoots(stored, roots, { fleetId, subjects });
    for (let step: Uint8Array | undefined = stored; step !== undefined; step = previousOf(step))
      if (Buffer.compare(step, ours) === 0) return true;
  } catch (error) {
    // Not ours: it doesn't count.
    if (!(error instanceof FleetError)) throw error;
  }
  return false;
}

const previousOf = (envelope: Uint8Array): Uint8Array | undefined => decodeRoots(parseEnvelope(envelope)[1]).previous;
