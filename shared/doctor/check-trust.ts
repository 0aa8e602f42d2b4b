/** Does what the bus says of roots and revocations leave this side's credential standing? */
import type { Bus } from '../bus.ts';
import { FleetError } from '../errors.ts';
import { followRoots } from '../follow-roots.ts';
import { controlStream } from '../streams.ts';
import { Subjects, type ControlDocumentKind } from '../subjects.ts';
import { takeRevocations } from '../take-revocations.ts';
import type { Examination } from './examination.ts';
import { findingOf, type Check } from './finding.ts';

/** Roots first: who signed the rest is only known by them. */
export const checkTrust: Check<Examination> = async ({ bus, clock, identity, trust, renewal }, report) => {
  if (bus === undefined || identity === undefined || trust === undefined) return false;
  const { fleet, fleetId, roots, credential } = identity;
  const subjects = new Subjects(fleet);
  const newRoots = await load(bus, fleet, subjects, 'roots');
  if (newRoots !== undefined) trust.setRoots(followRoots(newRoots, roots, { fleetId, subjects }).roots);
  try {
    trust.verify(credential);
    const count = trust.roots.length;
    const which = count === 1 ? 'the root of this fleet' : `one of the ${count} roots of this fleet`;
    report({ check: 'root', state: 'ok', detail: `the credential leads to ${which}` });
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    report({ ...findingOf('root', error), mend: renewal });
    return true;
  }
  const list = await load(bus, fleet, subjects, 'revoked');
  if (list !== undefined) takeRevocations(list, 0, { trust, subjects, clock });
  try {
    trust.verify(credential);
    report({ check: 'revocation', state: 'ok', detail: 'not revoked' });
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    report({ ...findingOf('revocation', error), mend: `If that was a mistake, or is over: ${renewal}` });
  }
  return true;
};

async function load(
  bus: Bus,
  fleet: string,
  subjects: Subjects,
  kind: ControlDocumentKind,
): Promise<Uint8Array | undefined> {
  const stored = await bus.load(controlStream(fleet), subjects.controlDocument(kind));
  return stored?.data;
}
