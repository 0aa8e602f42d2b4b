/**
 * Appends to the record of a job behind the last frame that is known, once. Of several who try, one succeeds: that is who
 * leads. Where an attempt was stored without an answer, it's found out before anything is done about it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, LoadedMessage } from '../../shared/bus.ts';
import { TransportError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { jobStream } from '../../shared/streams.ts';

interface Frame {
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** Number of the last frame in the stream; undefined where nobody else writes. */
  readonly after: number | undefined;
}

/**
 * @returns its own number in the stream
 * @throws TransportError `store-conflict` when somebody else has written; any other: it may be stored or not
 */
export async function appendFrame(
  { subject, bytes, after }: Frame,
  { bus, fleet }: { readonly bus: Pick<Bus, 'load' | 'store'>; readonly fleet: string },
): Promise<number> {
  // Of frames that are alike, the first counts.
  if (after === undefined) return bus.store(subject, bytes, { mayRepeat: true });
  try {
    return await bus.store(subject, bytes, { expectedSequence: after, mayRepeat: true });
  } catch (error) {
    if (!isLeadLost(error)) throw error;
    const last = await loadBehind(after, subject, { bus, fleet });
    if (last === undefined || Buffer.compare(last.data, bytes) !== 0) throw error;
    return last.sequence;
  }
}

/** There is something behind it. A server of a cluster that has not heard of it yet is asked again. */
async function loadBehind(
  after: number,
  subject: string,
  { bus, fleet }: { readonly bus: Pick<Bus, 'load'>; readonly fleet: string },
): Promise<LoadedMessage | undefined> {
  for (let attempt = 1; ; attempt++) {
    const last = await bus.load(jobStream(fleet), subject);
    if ((last?.sequence ?? 0) > after || attempt >= LIMITS.appendAttempts) return last;
    await delay(LIMITS.storagePauseMs);
  }
}

export const isLeadLost = (error: unknown): boolean =>
  error instanceof TransportError && error.code === 'store-conflict';
