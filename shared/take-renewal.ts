/**
 * A new credential for the keys that an identity has, as the bus keeps it: an issuer or a root was replaced, or the old
 * one was about to end. Nodes and operators take it; keys never come that way.
 */
import type { Clock } from './clock.ts';
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Subjects } from './subjects.ts';
import { assertWithinLimits, type TrustStore } from './trust.ts';
import { parseCredential, type Credential } from './wire/credential.ts';
import { open } from './wire/envelope.ts';
import { decodeRosterEntry } from './wire/roster.ts';

export interface Renewal {
  readonly credential: Credential;
  readonly revision: number;
  /** Hashes of earlier credentials for the same keys. */
  readonly previous: readonly Uint8Array[];
  /** Its login at the bus, where that is another one, too. */
  readonly login: string | undefined;
}

/**
 * @param own what is used now
 * @param known revision of the last one that was taken; 0 for none
 * @returns undefined where it isn't newer
 * @throws ProtocolError `not-an-issuer`, `misrouted`, `revision-ahead`, `beyond-issuer`, `bad-credential`, and what `open` throws
 */
export function takeRenewal(
  envelope: Uint8Array,
  own: Credential,
  known: number,
  { clock, subjects, trust }: { trust: TrustStore; subjects: Subjects; clock: Clock },
): Renewal | undefined {
  const { kind, name, notBefore } = own.body;
  const { payload, signers } = open('roster', trust.fleetId, envelope, trust);
  const signer = signers[0].credential.body;
  if (signer.kind !== 'issuer')
    throw new ProtocolError(`signed by the ${signer.kind} ${signer.name}`, { code: 'not-an-issuer' });
  const entry = decodeRosterEntry(payload);
  if (!isRenewable(kind) || entry.node !== name || entry.subject !== subjects.renewal(kind, name))
    throw new ProtocolError('it is for somebody else', { code: 'misrouted' });
  // Who got an issuer's key could otherwise use up all numbers, and nothing from its successor would ever be newer.
  if (entry.revision > clock.now() + LIMITS.clockSkewMs)
    throw new ProtocolError(`revision ${entry.revision} is ahead of the clock`, { code: 'revision-ahead' });
  if (entry.revision <= known || entry.state !== 'joined') return undefined;
  const credential = parseCredential(entry.credential);
  // An operator's comes from a root, whoever brings it.
  if (kind === 'node') assertWithinLimits(signer, credential.body);
  if (!isForKeysOf(own, credential)) throw new ProtocolError('it is for other keys', { code: 'bad-credential' });
  if (credential.body.notBefore < notBefore || Buffer.compare(credential.hash, own.hash) === 0) return undefined;
  trust.verify(credential);
  const { login, previous = [], revision } = entry;
  return { credential, login, previous, revision };
}

const RENEWABLE = ['node', 'operator', 'service'] as const;
type Renewable = (typeof RENEWABLE)[number];

export function isRenewable(kind: Credential['body']['kind']): kind is Renewable {
  return RENEWABLE.some((one) => one === kind);
}

/** Whether a credential is for the same name and the very same keys. */
export function isForKeysOf({ body: own }: Credential, { body }: Credential): boolean {
  const isSame = Buffer.compare(body.sign, own.sign) === 0 && Buffer.compare(body.box, own.box) === 0;
  return isSame && body.login === own.login && body.kind === own.kind && body.name === own.name;
}
