/** The clock of the bus: NATS has no question for it, but dates what it makes. */
import { AckPolicy, createInbox, DeliverPolicy, nanos } from 'nats';
import { LIMITS } from '../limits.ts';
import { storageError } from './bus-errors.ts';
import { insist } from './insist.ts';
import type { StreamReader } from './read-stream.ts';

/** Milliseconds since the epoch. @throws TransportError */
export async function readServerTime({ jsm, patience }: StreamReader, stream: string, filter: string): Promise<number> {
  try {
    const { created } = await insist(patience, () =>
      jsm.consumers.add(stream, {
        name: createInbox('t').slice(2),
        deliver_policy: DeliverPolicy.New,
        ack_policy: AckPolicy.None,
        filter_subject: filter,
        // Nobody reads it: it goes by itself.
        inactive_threshold: nanos(LIMITS.loadTimeoutMs),
        mem_storage: true,
        num_replicas: 1,
      }),
    );
    return Date.parse(created);
  } catch (cause) {
    throw storageError('asking the bus for the time', cause);
  }
}
