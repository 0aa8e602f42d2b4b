/**
 * Who may make the fleet's policy, and which one counts: an operator with the role `admin`, and the newest. Nodes take it
 * so, controllers read it so.
 */
import type { Clock } from './clock.ts';
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Subjects } from './subjects.ts';
import { TrustStore } from './trust.ts';
import { parseCredential, type Credential, type CredentialBody } from './wire/credential.ts';
import { open, parseEnvelope, seal, type CredentialSource, type SignerIdentity } from './wire/envelope.ts';
import { decodePolicyDocument, encodePolicyDocument, type PolicyDocument } from './wire/policy-document.ts';

/** The role whose holders sign the policy. */
export const ADMIN_ROLE = 'admin';

export interface TakePolicyDependencies {
  readonly trust: TrustStore;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

export interface SignedPolicy {
  readonly document: PolicyDocument;
  readonly signer: Credential;
}

/**
 * @throws ProtocolError `not-an-admin`, `misrouted`, `revision-ahead`, `revoked`, `malformed`, and what `open` throws
 */
export function openPolicy(envelope: Uint8Array, dependencies: TakePolicyDependencies): SignedPolicy {
  const signed = openWith(envelope, dependencies.trust, dependencies);
  // Who got an admin's key could otherwise use up all numbers, and no policy would ever be newer again.
  if (signed.document.revision > dependencies.clock.now() + LIMITS.clockSkewMs)
    throw new ProtocolError(`revision ${signed.document.revision} is ahead of the clock`, { code: 'revision-ahead' });
  return signed;
}

/**
 * One that this reader took before, from its own disk. It holds on, whatever has become of the credential of who signed
 * it: a fleet must not stop because somebody left.
 */
export function openKeptPolicy(envelope: Uint8Array, dependencies: TakePolicyDependencies): SignedPolicy {
  const { clock, trust } = dependencies;
  const reference = parseEnvelope(envelope)[2][0]?.[1] ?? new Uint8Array();
  let end = clock.now();
  for (let link: Credential | undefined = parseCredential(reference); link !== undefined; link = link.issuer)
    end = Math.min(end, link.body.notAfter - 1);
  const { fleetId, roots } = trust;
  const past = new TrustStore({ fleetId, roots }, { clock: { now: () => end, monotonic: () => clock.monotonic() } });
  return openWith(envelope, past, dependencies);
}

function openWith(
  envelope: Uint8Array,
  credentials: CredentialSource,
  { subjects, trust }: TakePolicyDependencies,
): SignedPolicy {
  const { payload, signers } = open('policy', trust.fleetId, envelope, credentials);
  const { credential } = signers[0];
  assertAdmin(credential.body);
  const document = decodePolicyDocument(payload);
  if (document.subject !== subjects.controlDocument('policy'))
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  return { document, signer: credential };
}

/**
 * Who may do some things only, or on some nodes, can't say for all who may do what.
 * @throws ProtocolError `not-an-admin`
 */
export function assertAdmin({ kind, limits, name, roles }: CredentialBody): void {
  if (kind !== 'operator' || !roles.includes(ADMIN_ROLE))
    throw new ProtocolError(`${name} is no operator with the role ${ADMIN_ROLE}`, { code: 'not-an-admin' });
  if (limits.actions !== undefined || limits.where !== undefined)
    throw new ProtocolError(`the credential of ${name} is limited, and the policy is for everything`, {
      code: 'not-an-admin',
    });
}

/** Signs a policy. Whether the signer may, readers decide. */
export function sealPolicy(fleetId: string, identity: SignerIdentity, document: PolicyDocument): Promise<Uint8Array> {
  return seal('policy', fleetId, identity, encodePolicyDocument(document), { inlineCredential: true });
}
