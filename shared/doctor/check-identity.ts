/** Is the identity of this side whole, of the right kind, of this fleet, and good for a while? Needs no bus. */
import { FleetError } from '../errors.ts';
import { readIdentity } from '../identity.ts';
import { LIMITS } from '../limits.ts';
import { TrustStore } from '../trust.ts';
import { isoDay, spanText } from './durations.ts';
import type { Examination } from './examination.ts';
import { findingOf, type Check } from './finding.ts';

const KINDS = { operator: ['operator', 'service'], node: ['node'] } as const;

export const checkIdentity: Check<Examination> = async (examination, report) => {
  const { options, clock } = examination;
  const identity = readIdentity(options.identityFile);
  const { kind, name } = identity.credential.body;
  const kinds: readonly string[] = KINDS[options.side];
  if (!kinds.includes(kind)) {
    report({
      check: 'identity',
      state: 'failed',
      detail: `${options.identityFile} is of the ${kind} ${name}, and this takes a ${kinds.join(' or a ')}`,
      mend: `fleet ca issue ${options.side} NAME makes one, where the fleet was made`,
    });
    return false;
  }
  examination.identity = identity;
  examination.trust = new TrustStore({ fleetId: identity.fleetId, roots: identity.roots }, { clock });
  report({ check: 'identity', state: 'ok', detail: `${kind} ${name} of fleet ${identity.fleet}` });
  return true;
};

/** Does the chain lead to a root that this side pins? */
export const checkRoot: Check<Examination> = async ({ identity, trust, renewal }, report) => {
  if (identity === undefined || trust === undefined) return false;
  try {
    trust.verify(identity.credential);
    const { length } = identity.roots;
    report({
      check: 'root',
      state: 'ok',
      detail: `the credential leads to ${length === 1 ? 'the pinned root' : `one of ${length} pinned roots`}`,
    });
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    // Of time and revocation, the next check speaks.
    if (IN_ITSELF.has(error.code))
      report({ check: 'root', state: 'ok', detail: 'the credential leads to a pinned root' });
    else report({ ...findingOf('root', error), mend: renewal });
  }
  return true;
};

const IN_ITSELF: ReadonlySet<string> = new Set(['credential-expired', 'credential-not-yet-valid', 'revoked']);

/** Is it valid now, and for a while yet? A chain ends with the first of its links. */
export const checkCredential: Check<Examination> = async ({ identity, trust, clock, renewal }, report) => {
  if (identity === undefined || trust === undefined) return false;
  const { credential } = identity;
  try {
    trust.verify(credential);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    report({ ...findingOf('credential', error), mend: renewal });
    return true;
  }
  let endsAt = Infinity;
  for (let link: typeof credential | undefined = credential; link !== undefined; link = link.issuer)
    endsAt = Math.min(endsAt, link.body.notAfter);
  const left = endsAt - clock.now();
  const until = `good until ${isoDay(endsAt)}`;
  report(
    left < LIMITS.expiresSoonMs
      ? { check: 'credential', state: 'warning', detail: `${until}: ${spanText(left)} are left`, mend: renewal }
      : { check: 'credential', state: 'ok', detail: until },
  );
  return true;
};
