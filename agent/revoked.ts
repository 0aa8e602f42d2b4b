/** Step between verifying and allowing: has the fleet revoked who signed? Asked again right before anything starts. */
import { RefusedError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { describeRevocation } from '../shared/revocations.ts';
import type { TrustStore } from '../shared/trust.ts';
import type { VerifiedCommand } from './verify.ts';

/**
 * Everyone who signed the command counts, its caller and who approved it. What runs already goes on.
 * @throws RefusedError `revoked`
 */
export function assertNotRevoked(
  { command, caller, signers }: VerifiedCommand,
  { trust, log }: { trust: TrustStore; log: Logger },
): void {
  for (const { credential } of signers) {
    const found = trust.revocations.find(credential);
    if (found === undefined) continue;
    const { serial, name } = found.link.body;
    log.warn(
      { caller: caller.credential.body.name, job: command.job, action: command.action, revoked: name, serial },
      'refused: revoked',
    );
    throw new RefusedError(describeRevocation(credential, found), { code: 'revoked' });
  }
}
