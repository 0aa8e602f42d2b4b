/**
 * Patience with the storage of a cluster. A stream whose leader was killed has none for some seconds; and as long as the others
 * take a server for alive that isn't, one question in three is given to it, and nobody answers. So it's asked again, and soon.
 */
import { NatsError, type NatsConnection } from 'nats';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

export interface Patience {
  /** How long it's tried again. One server alone answers, or has no storage: that is not asked twice. */
  readonly forMs: number;
  /** How long one try may take. */
  readonly tryMs: number;
}

/** @param forMs at a cluster; 0: one try */
export function patienceWith({ info }: Pick<NatsConnection, 'info'>, forMs: number): Patience {
  const isCluster = info?.cluster !== undefined;
  return isCluster && forMs > 0 ? { forMs, tryMs: LIMITS.storageTryMs } : { forMs: 0, tryMs: LIMITS.storeTimeoutMs };
}

/** @throws what the last try threw */
export async function insist<Answer>({ forMs }: Patience, ask: () => Promise<Answer>): Promise<Answer> {
  const until = systemClock.monotonic() + forMs;
  for (;;) {
    try {
      return await ask();
    } catch (cause) {
      if (!mayPass(cause) || systemClock.monotonic() >= until) throw cause;
      // A refusal comes at once.
      await delay(LIMITS.storagePauseMs);
    }
  }
}

/** Whether it's nobody's answer, or one that says that there is no leader now. */
function mayPass(cause: unknown): boolean {
  if (!(cause instanceof NatsError)) return false;
  return cause.code === 'TIMEOUT' || cause.code === '503' || cause.api_error?.code === 503;
}
