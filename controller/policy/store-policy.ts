/** Makes a policy the fleet's: signs it and stores it, if it's still the one that was looked at that it replaces. */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, ProtocolError, UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import type { Policy } from '../../shared/policy/policy.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { ADMIN_ROLE, assertAdmin, sealPolicy, type SignedPolicy } from '../../shared/take-policy.ts';
import type { StoredPolicy } from '../control.ts';

export interface StorePolicyDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly identity: Identity;
}

/**
 * @param before what is there, as far as the caller knows
 * @throws UsageError `not-an-admin`, `policy-too-large`, `policy-changed`; TransportError
 */
export async function storePolicy(
  { policy, source }: { policy: Policy; source: string },
  before: StoredPolicy,
  { bus, clock, identity, subjects }: StorePolicyDependencies,
): Promise<StoredPolicy & { readonly signed: SignedPolicy }> {
  assertMayPush(identity);
  const subject = subjects.controlDocument('policy');
  const revision = Math.max(clock.now(), ((before.signed ?? before.past)?.document.revision ?? 0) + 1);
  const document = { subject, revision, policy, source };
  const envelope = await sealPolicy(identity.fleetId, identity, document);
  if (envelope.length > bus.maxPayloadBytes)
    throw new UsageError(`the policy has ${envelope.length} bytes, signed, and the bus takes ${bus.maxPayloadBytes}`, {
      code: 'policy-too-large',
      hint: 'Say the same in fewer rules, or raise max_payload of nats-server.',
    });
  try {
    const sequence = await bus.store(subject, envelope, { expectedSequence: before.sequence });
    return { signed: { document, signer: identity.credential }, sequence, storedAt: clock.now() };
  } catch (cause) {
    if (!(cause instanceof FleetError && cause.code === 'store-conflict')) throw cause;
    throw new UsageError('somebody else has stored a policy meanwhile; yours was not', {
      code: 'policy-changed',
      hint: 'Look at it with `fleet policy show`, put what you want into it, and push that.',
      cause,
    });
  }
}

/** Before anybody is asked anything. @throws UsageError `not-an-admin` */
export function assertMayPush({ credential }: Pick<Identity, 'credential'>): void {
  try {
    assertAdmin(credential.body);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new UsageError(`${cause.message}: nodes would not take its policy`, {
      code: 'not-an-admin',
      hint: `Who holds the root key makes one: fleet ca issue operator NAME --role ${ADMIN_ROLE} --role operator`,
      cause,
    });
  }
}
