/** The number of the newest message that fits a filter: asked for by a consumer that nobody reads. */
import { AckPolicy, createInbox, DeliverPolicy, nanos } from 'nats';
import { LIMITS } from '../limits.ts';
import { storageError } from './bus-errors.ts';
import { insist } from './insist.ts';
import type { StreamReader } from './read-stream.ts';

/** 0 where there is none. @throws TransportError */
export async function readNewestSequence(
  { jsm, patience }: StreamReader,
  stream: string,
  filter: string,
): Promise<number> {
  try {
    const { delivered, num_pending: pending } = await insist(patience, () =>
      jsm.consumers.add(stream, {
        name: createInbox('n').slice(2),
        deliver_policy: DeliverPolicy.Last,
        ack_policy: AckPolicy.None,
        filter_subject: filter,
        // It goes by itself.
        inactive_threshold: nanos(LIMITS.loadTimeoutMs),
        mem_storage: true,
        num_replicas: 1,
      }),
    );
    // It stands before the last one.
    return pending === 0 ? 0 : delivered.stream_seq + 1;
  } catch (cause) {
    throw storageError(`asking for the newest of ${filter}`, cause);
  }
}
