/** Is the identity of this side whole, of the right kind, of this fleet, and good for a while? Needs no bus. */
import { readIdentity } from '../identity.ts';
import { loginEnd } from '../login.ts';
import { LIMITS } from '../limits.ts';
import { TrustStore } from '../trust.ts';
import type { Credential } from '../wire/credential.ts';
import { isoDay, spanText } from './durations.ts';
import type { Examination } from './examination.ts';
import type { Check } from './finding.ts';

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
  examination.identity = (await options.newest?.(identity)) ?? identity;
  examination.trust = new TrustStore({ fleetId: identity.fleetId, roots: identity.roots }, { clock });
  report({ check: 'identity', state: 'ok', detail: `${kind} ${name} of fleet ${identity.fleet}` });
  return true;
};

/** Is it valid now, and for a while yet? A chain ends with the first of its links. */
export const checkCredential: Check<Examination> = async ({ identity, clock, renewal }, report) => {
  if (identity === undefined) return false;
  const now = clock.now();
  const links = [...linksOf(identity.credential)];
  const beginsAt = Math.max(...links.map(({ body }) => body.notBefore));
  const endsAt = Math.min(...links.map(({ body }) => body.notAfter), loginEnd(identity.loginJwt) ?? Infinity);
  const left = endsAt - now;
  const until = `good until ${isoDay(endsAt)}`;
  const clocks = 'if that is not so, look at the clock of this machine';
  if (now < beginsAt - LIMITS.clockSkewMs)
    report({
      check: 'credential',
      state: 'failed',
      detail: `good from ${isoDay(beginsAt)} on only; ${clocks}`,
      mend: 'Set the clock: run an NTP client (timedatectl set-ntp true).',
    });
  else if (left <= 0)
    report({ check: 'credential', state: 'failed', detail: `ended on ${isoDay(endsAt)}; ${clocks}`, mend: renewal });
  else if (left < LIMITS.expiresSoonMs)
    report({ check: 'credential', state: 'warning', detail: `${until}: ${spanText(left)} are left`, mend: renewal });
  else report({ check: 'credential', state: 'ok', detail: until });
  return true;
};

function* linksOf(credential: Credential): Generator<Credential> {
  for (let link: Credential | undefined = credential; link !== undefined; link = link.issuer) yield link;
}
