/** Whether an identity is one that an agent can be started with: a node's, under a root of the fleet, and valid now. */
import { SettingsError } from '../shared/errors.ts';
import type { Identity } from '../shared/identity.ts';
import type { TrustStore } from '../shared/trust.ts';

/** @param path of the identity file, for the error. @throws SettingsError `identity-unusable` */
export function assertNode(identity: Identity, trust: TrustStore, path: string): void {
  const { body } = identity.credential;
  if (body.kind !== 'node')
    throw new SettingsError(`the identity ${path} is of the ${body.kind} ${body.name}, not of a node`, {
      code: 'identity-unusable',
      hint: 'Use the identity.json that `fleet ca issue node` wrote for this server.',
    });
  try {
    trust.verify(identity.credential);
  } catch (cause) {
    throw new SettingsError(`the identity ${path} can't be used: ${cause instanceof Error ? cause.message : ''}`, {
      code: 'identity-unusable',
      hint: 'Renew it with `fleet ca renew node NAME` where it was issued, and check the clock of this machine.',
      cause,
    });
  }
}
