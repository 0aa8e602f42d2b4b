/** Credit, as it comes: a caller may hear more of what its own command writes. Never answered, and not remembered. */
import type { Clock } from '../../shared/clock.ts';
import { RefusedError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { readCredit } from '../../shared/wire/credit.ts';
import { assertFresh } from '../freshness.ts';
import { replayKey } from '../replay/replay-memory.ts';
import { assertNotRevoked } from '../revoked.ts';
import type { VerifiedCommand } from '../verify.ts';
import type { OutputSenders } from './output-senders.ts';

/** @returns what to count it as @throws ProtocolError `malformed` */
export function takeCredit(
  verified: VerifiedCommand,
  {
    outputs,
    ...deps
  }: {
    readonly clock: Clock;
    readonly trust: TrustStore;
    readonly log: Logger;
    readonly outputs: Pick<OutputSenders, 'allow'>;
  },
): string {
  const { command, caller } = verified;
  const { id, bytes } = readCredit(command);
  try {
    assertFresh(command, deps.clock.now());
    assertNotRevoked(verified, deps);
  } catch (error) {
    if (error instanceof RefusedError) return `refused-${error.code}`;
    throw error;
  }
  return outputs.allow(replayKey(caller.credential.body.sign, id), bytes) ? 'credit' : 'credit-for-nothing';
}
