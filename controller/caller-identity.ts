/** Whether an identity file is one that commands: said before there is a connection. */
import { UsageError } from '../shared/errors.ts';
import type { Identity } from '../shared/identity.ts';
import type { TrustStore } from '../shared/trust.ts';

/** @throws UsageError `identity-unusable` */
export function assertUsable(identity: Identity, trust: TrustStore, path: string): void {
  const { kind, name } = identity.credential.body;
  if (kind !== 'operator' && kind !== 'service')
    throw new UsageError(`the identity ${path} is of the ${kind} ${name}, and commands are for operators`, {
      code: 'identity-unusable',
      hint: 'Use the identity file that `fleet init` made for you.',
    });
  try {
    trust.verify(identity.credential);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new UsageError(`the identity ${path} can't be used: ${why}`, {
      code: 'identity-unusable',
      hint: 'Have it renewed with `fleet ca renew operator NAME`, and check the clock of this machine.',
      cause,
    });
  }
}
