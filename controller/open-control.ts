/**
 * What holds for a caller on this connection: roots, revocations and policy as the bus has them, and the credential that
 * its owner may have renewed meanwhile. Whoever may not command any more hears it here, before anything is sent.
 */
import { FleetError, UsageError } from '../shared/errors.ts';
import type { Identity } from '../shared/identity.ts';
import { readControl, type ControlDependencies, type ControlState } from './control.ts';
import { keepRenewed, loadRenewal, renewed } from './own-renewal.ts';

export interface OpenedControl {
  readonly control: ControlState;
  /** With the newest credential that its owner has for it. */
  readonly identity: Identity;
  /** What was not taken, or not kept, each with its reason. */
  readonly problems: readonly string[];
}

/** @throws UsageError `revoked`, `identity-unusable`; TransportError */
export async function openControl(
  before: Identity,
  identityFile: string,
  dependencies: ControlDependencies,
): Promise<OpenedControl> {
  const [control, renewal] = await Promise.all([readControl(dependencies), loadRenewal(before, dependencies)]);
  const problems = [...control.problems];
  const newest = renewal && renewed(before, renewal, dependencies);
  if (newest !== undefined) {
    const problem = await keepRenewed(identityFile, newest);
    if (problem !== undefined) problems.push(problem);
  }
  const identity = newest ?? before;
  try {
    dependencies.trust.verify(identity.credential);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : '', {
      code: cause instanceof FleetError && cause.code === 'revoked' ? 'revoked' : 'identity-unusable',
      hint: 'Nothing that it signs is accepted any more: ask the owner of the fleet for a new identity file.',
      cause,
    });
  }
  return { control, identity, problems };
}
