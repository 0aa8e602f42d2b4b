/**
 * Reading what a stream keeps under a filter, in order and without a gap, by a consumer that ends with the reading.
 * Whoever takes the messages may be slow: the server is told that they have come only once they were taken, and sends a
 * bounded amount ahead of that. What is still to come, and how a gap shows, is read-progress.ts's.
 */
import {
  AckPolicy,
  createInbox,
  DeliverPolicy,
  nanos,
  type JetStreamManager,
  type Msg,
  type NatsConnection,
} from 'nats';
import type { HistoryMessage, ReadOptions } from '../bus.ts';
import { systemClock } from '../clock.ts';
import { FleetError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { parseDelivery, ReadProgress } from '../read-progress.ts';
import { storageError } from './bus-errors.ts';
import { insist, type Patience } from './insist.ts';

export interface ReadStreamOptions extends ReadOptions {
  readonly stream: string;
  readonly filter: string;
  /** Of the subject that it is delivered to. */
  readonly deliverPrefix: string;
  /** How many of those that were there at the beginning have been seen; for streams that replace, how many subjects. */
  readonly seen: () => number;
  readonly onMessage: (message: HistoryMessage) => void | Promise<void>;
}

export interface StreamReader {
  readonly jsm: JetStreamManager;
  readonly patience: Patience;
}

/** @throws TransportError */
export async function readStream(nc: NatsConnection, reader: StreamReader, options: ReadStreamOptions): Promise<void> {
  const { jsm, patience } = reader;
  try {
    await insist(patience, () => readOnce(nc, jsm, options));
  } catch (cause) {
    // What the taker has found is its own to say.
    throw cause instanceof FleetError ? cause : storageError(`reading ${options.filter}`, cause);
  }
}

/** With a consumer of its own. Fails by what may be asked again only before anything was taken. */
async function readOnce(nc: NatsConnection, jsm: JetStreamManager, options: ReadStreamOptions): Promise<void> {
  const { stream, filter, since, signal } = options;
  if (signal?.aborted === true) return;
  const inbox = createInbox(options.deliverPrefix);
  const reading = new Reading(nc, options);
  const subscription = nc.subscribe(inbox, {
    callback: (error, message) => (error === null ? reading.take(message) : reading.fail(error)),
  });
  const stop = (): void => reading.end();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const info = await jsm.consumers.add(stream, {
      name: createInbox('r').slice(2),
      deliver_subject: inbox,
      // Not the last per subject: where a stream keeps one, that policy misses some that are replaced meanwhile.
      ...(since === undefined
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since).toISOString() }),
      ack_policy: AckPolicy.None,
      filter_subject: filter,
      inactive_threshold: nanos(LIMITS.loadTimeoutMs),
      flow_control: true,
      idle_heartbeat: nanos(LIMITS.loadHeartbeatMs),
      mem_storage: true,
      num_replicas: 1,
    });
    reading.begin(Date.parse(info.created), info.num_pending + info.delivered.consumer_seq);
    await reading.ended;
  } catch (cause) {
    if (!reading.hasTaken) throw cause;
    throw cause instanceof FleetError ? cause : storageError(`reading ${filter}`, cause);
  } finally {
    signal?.removeEventListener('abort', stop);
    reading.end();
    subscription.unsubscribe();
  }
}

class Reading {
  readonly ended: Promise<void>;
  readonly #nc: NatsConnection;
  readonly #options: ReadStreamOptions;
  readonly #progress = new ReadProgress({ clock: systemClock });
  readonly #queue: Msg[] = [];
  readonly #silence: NodeJS.Timeout;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #isTaking = false;
  #isOver = false;
  #hasTaken = false;

  constructor(nc: NatsConnection, options: ReadStreamOptions) {
    this.#nc = nc;
    this.#options = options;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may be rejected before anyone waits for it.
    this.ended.catch(() => undefined);
    this.#silence = setTimeout(() => {
      if (this.#isTaking) this.#silence.refresh();
      else this.fail(new Error('the bus fell silent'));
    }, LIMITS.loadTimeoutMs);
  }

  /** Whether a message was handed on. */
  get hasTaken(): boolean {
    return this.#hasTaken;
  }

  /** The server has made the consumer, and says how many messages there are. */
  begin(createdAt: number, messages: number): void {
    this.#progress.created(createdAt, messages);
    if (!this.#isTaking && this.#progress.hasAll(this.#options.seen())) this.end();
  }

  take(message: Msg): void {
    if (this.#isOver) return;
    this.#queue.push(message);
    this.#silence.refresh();
    if (!this.#isTaking) void this.#takeAll();
  }

  fail(error: unknown): void {
    this.end();
    this.#reject(error);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue.length = 0;
    clearTimeout(this.#silence);
    // After the rejection of a failure, this changes nothing.
    queueMicrotask(this.#resolve);
  }

  /** At once as long as nobody is waited for: most messages cost no turn of the event loop. */
  async #takeAll(): Promise<void> {
    this.#isTaking = true;
    try {
      for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
        if (message.headers?.code === 100) {
          if (this.#isIdle(message)) this.end();
          else this.#confirmFlow(message);
          continue;
        }
        const delivery = parseDelivery(message.reply);
        const { subject, data } = message;
        this.#hasTaken = true;
        const taken = this.#options.onMessage({
          subject,
          data,
          sequence: delivery.sequence,
          storedAt: delivery.storedAt,
        });
        if (taken !== undefined) await taken;
        if (this.#isOver) return;
        const state = this.#progress.delivered(delivery, this.#options.seen());
        if (state === 'gap') this.fail(new Error('the bus left something out'));
        if (state === 'complete') this.end();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isTaking = false;
    }
  }

  /** Whether the server says that it has no other now and holds none back, and all that it sent has come. */
  #isIdle({ headers, reply }: Msg): boolean {
    if (reply !== undefined && reply !== '') return false;
    if (headers === undefined || headers.get('Nats-Consumer-Stalled') !== '') return false;
    return this.#progress.isIdleAfter(Number(headers.get('Nats-Last-Consumer')));
  }

  /** The server waits to hear that what it sent so far has come: it would cut off a reader that falls behind. */
  #confirmFlow({ headers, reply }: Msg): void {
    const subject = reply === undefined || reply === '' ? headers?.get('Nats-Consumer-Stalled') : reply;
    if (subject !== undefined && subject !== '') this.#nc.publish(subject);
  }
}
