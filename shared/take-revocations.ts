/**
 * Takes a signed list of revocations into a trust store: nodes do it with what the bus stores and announces, controllers
 * when they connect. A list that doesn't hold changes nothing.
 */
import type { Clock } from './clock.ts';
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { standingOf } from './revocations.ts';
import type { Subjects } from './subjects.ts';
import type { TrustStore } from './trust.ts';
import { open } from './wire/envelope.ts';
import { decodeRevocations, type RevocationList } from './wire/revocations.ts';

export interface TakeRevocationsDependencies {
  readonly trust: TrustStore;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

/**
 * @param known the revision that holds; a list that isn't newer is not looked into
 * @returns the list, or undefined when it isn't newer
 * @throws ProtocolError `revoked` for a list of an issuer that is revoked itself, `not-an-issuer`, `beyond-issuer`,
 * `misrouted`, `revision-ahead`, `too-many-revocations`, and what `open` throws
 */
export function takeRevocations(
  envelope: Uint8Array,
  known: number,
  { clock, subjects, trust }: TakeRevocationsDependencies,
): RevocationList | undefined {
  const { payload, signers } = open('revocation', trust.fleetId, envelope, trust);
  const { credential } = signers[0];
  const { kind, limits, name } = credential.body;
  if (kind !== 'issuer')
    throw new ProtocolError(`signed by the ${kind} ${name}, not by an issuer`, { code: 'not-an-issuer' });
  // A serial doesn't tell whose it is: who may speak for some names only can't be held to them here.
  if (limits.names !== undefined)
    throw new ProtocolError(`the issuer ${name} may not speak for all names`, { code: 'beyond-issuer' });
  const list = decodeRevocations(payload);
  if (list.subject !== subjects.controlDocument('revoked'))
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  const now = clock.now();
  // Who got an issuer's key could otherwise use up all numbers, and no list would ever be newer again.
  if (list.revision > now + LIMITS.clockSkewMs)
    throw new ProtocolError(`revision ${list.revision} is ahead of the clock`, { code: 'revision-ahead' });
  if (list.revision <= known) return undefined;
  trust.revocations.add(list.entries, standingOf(credential), now);
  return list;
}
