/**
 * Follows what a stream keeps under a filter: from its beginning, then live, in order, each message once. The consumer of
 * the server is thrown away for every doubt (a missing number, silence, a new connection), and another begins behind the
 * last message that has come. Whoever takes the messages may be slow: the server is told that they have come only once
 * they were taken, and sends a bounded amount ahead of that.
 */
import {
  AckPolicy,
  createInbox,
  DeliverPolicy,
  nanos,
  type ConsumerConfig,
  type Msg,
  type NatsConnection,
  type Subscription as NatsSubscription,
} from 'nats';
import type { HistoryMessage, Subscription } from '../bus.ts';
import { LIMITS } from '../limits.ts';
import { parseDelivery } from '../read-progress.ts';
import { storageError } from './bus-errors.ts';
import { insist } from './insist.ts';
import type { StreamReader } from './read-stream.ts';

export interface FollowStreamOptions {
  readonly stream: string;
  readonly filter: string;
  /** Only what has a higher number in the stream than this. */
  readonly after: number;
  /** Where what is stored is delivered to this identity. */
  readonly deliverPrefix: string;
  readonly onMessage: (message: HistoryMessage) => void | Promise<void>;
  readonly onClose: (self: FollowedStream) => void;
}

export class FollowedStream implements Subscription {
  readonly #nc: NatsConnection;
  readonly #reader: StreamReader;
  readonly #options: FollowStreamOptions;
  #subscription: NatsSubscription | undefined;
  /** What has come, and waits for the message before it to be taken; `string`: where the server waits to hear of all before it. */
  readonly #queue: (HistoryMessage | string)[] = [];
  #queuedBytes = 0;
  #isTaking = false;
  #onDrained: (() => void) | undefined;
  /** Number in the stream of the last message that has come. */
  #last: number;
  /** Deliveries of the consumer of now. */
  #count = 0;
  #opening: Promise<void> | undefined;
  #isStale = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(nc: NatsConnection, reader: StreamReader, options: FollowStreamOptions) {
    this.#nc = nc;
    this.#reader = reader;
    this.#options = options;
    this.#last = options.after;
  }

  /** Resolves when the server sends: nothing that is stored from then on is missed. @throws TransportError */
  static async open(nc: NatsConnection, reader: StreamReader, options: FollowStreamOptions): Promise<FollowedStream> {
    const followed = new FollowedStream(nc, reader, options);
    try {
      await insist(reader.patience, () => followed.#open());
      return followed;
    } catch (cause) {
      followed.close();
      throw storageError(`following ${options.filter}`, cause);
    }
  }

  /** The connection is another: what the server held for the one before may be gone. */
  renew(): void {
    if (this.#isClosed) return;
    // One that is being made may be of the connection before.
    if (this.#opening !== undefined) {
      this.#isStale = true;
      return;
    }
    this.#opening = this.#drained()
      .then(() => this.#open())
      .catch(() => this.#after(LIMITS.followRetryMs))
      .finally(() => {
        this.#opening = undefined;
        if (!this.#isStale) return;
        this.#isStale = false;
        this.renew();
      });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
    this.#subscription?.unsubscribe();
    this.#options.onClose(this);
  }

  async #open(): Promise<void> {
    if (this.#isClosed) return;
    this.#subscription?.unsubscribe();
    this.#count = 0;
    const inbox = createInbox(this.#options.deliverPrefix);
    const subscription = this.#nc.subscribe(inbox, {
      callback: (error, message) => {
        if (error === null && this.#subscription === subscription) this.#take(message);
      },
    });
    this.#subscription = subscription;
    this.#after(LIMITS.followSilenceMs);
    await this.#reader.jsm.consumers.add(this.#options.stream, this.#consumer(inbox));
  }

  #consumer(inbox: string): Partial<ConsumerConfig> {
    const start: Partial<ConsumerConfig> =
      this.#last === 0
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#last + 1 };
    return {
      name: createInbox('f').slice(2),
      deliver_subject: inbox,
      ...start,
      ack_policy: AckPolicy.None,
      filter_subject: this.#options.filter,
      inactive_threshold: nanos(LIMITS.loadTimeoutMs),
      flow_control: true,
      idle_heartbeat: nanos(LIMITS.followHeartbeatMs),
      mem_storage: true,
      num_replicas: 1,
    };
  }

  #take(message: Msg): void {
    if (this.#isClosed) return;
    if (message.headers?.code === 100) return this.#takeStatus(message);
    const { sequence, number, storedAt } = parseDelivery(message.reply);
    if (number !== this.#count + 1) return this.renew();
    this.#count = number;
    this.#last = sequence;
    this.#after(LIMITS.followSilenceMs);
    const { subject, data } = message;
    this.#put({ subject, data, sequence, storedAt });
  }

  #takeStatus({ headers, reply }: Msg): void {
    const flow = reply === undefined || reply === '' ? headers?.get('Nats-Consumer-Stalled') : reply;
    if (flow !== undefined && flow !== '' && this.#queue.at(-1) !== flow) this.#put(flow);
    const delivered = headers?.get('Nats-Last-Consumer') ?? '';
    if (delivered !== '' && Number(delivered) !== this.#count) return this.renew();
    this.#after(LIMITS.followSilenceMs);
  }

  /** Bytes of messages that have come, and were not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  #put(one: HistoryMessage | string): void {
    this.#queue.push(one);
    if (typeof one !== 'string') this.#queuedBytes += one.data.length;
    if (!this.#isTaking) void this.#takeAll();
  }

  /** At once as long as nobody is waited for: most messages cost no turn of the event loop. */
  async #takeAll(): Promise<void> {
    this.#isTaking = true;
    try {
      for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift()) {
        if (typeof one === 'string') {
          if (!this.#nc.isClosed()) this.#nc.publish(one);
          continue;
        }
        this.#queuedBytes -= one.data.length;
        const taken = this.#options.onMessage(one);
        if (taken !== undefined) await taken;
        if (this.#isClosed) return;
      }
    } finally {
      this.#isTaking = false;
      this.#onDrained?.();
    }
  }

  /** Resolves when all that has come was taken: a new consumer sends as much ahead again. */
  async #drained(): Promise<void> {
    if (this.#isTaking) await new Promise<void>((resolve) => (this.#onDrained = resolve));
    this.#onDrained = undefined;
  }

  /** Silence for so long means that the consumer is gone, or the stream without a leader. */
  #after(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => this.renew(), ms);
  }
}
