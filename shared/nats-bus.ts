/** The bus over NATS and JetStream, on a connection that bus/open-connection.ts makes; elsewhere nobody imports nats. */
import {
  DebugEvents,
  DiscardPolicy,
  Events,
  nanos,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
} from 'nats';
import type { Socket } from 'node:net';
import type {
  Bus,
  BusConnection,
  BusEvent,
  BusMessage,
  FollowOptions,
  HistoryMessage,
  LoadedMessage,
  ReadOptions,
  RequestOptions,
  StoreOptions,
  StreamSettings,
  SubscribeOptions,
  Subscription,
} from './bus.ts';
import { requestError, storageError } from './bus/bus-errors.ts';
import { describeRefusal, isRefusal } from './bus/connect-error.ts';
import type { ConnectPace } from './bus/connect-pace.ts';
import { insist, patienceWith } from './bus/insist.ts';
import { jwtOf, openConnection, type NatsBusOptions, type OpenConnection } from './bus/open-connection.ts';
import { FollowedStream } from './bus/follow-stream.ts';
import { readNewestSequence } from './bus/newest-sequence.ts';
import { readServerTime } from './bus/server-time.ts';
import { readStream, type StreamReader } from './bus/read-stream.ts';
import { systemClock } from './clock.ts';
import { TransportError } from './errors.ts';
import { KeptSubscription } from './kept-subscription.ts';
import { LIMITS } from './limits.ts';
import { readPrefix } from './subjects.ts';

/**
 * A patient one comes back when it's connected, whatever that takes.
 * @throws TransportError `bus-unreachable`, `bus-refused`, `bus-untrusted`; SettingsError `identity-broken`, `file-unreadable`
 */
export async function connectBus(options: NatsBusOptions): Promise<Bus> {
  return new NatsBus(await openConnection(options), options);
}

/** JetStream's own number for an expectation that doesn't hold. */
const WRONG_LAST_SEQUENCE = 10_071;

class NatsBus implements Bus {
  readonly #nc: NatsConnection;
  readonly #pace: ConnectPace;
  readonly #options: NatsBusOptions;
  readonly #domain: string | undefined;
  readonly #listeners: ((event: BusEvent) => void)[] = [];
  readonly #kept = new Map<KeptSubscription, string>();
  readonly #followed = new Set<FollowedStream>();
  #js: JetStreamClient | undefined;

  constructor({ nc, pace }: OpenConnection, options: NatsBusOptions) {
    this.#nc = nc;
    this.#pace = pace;
    this.#options = options;
    this.#domain = options.jsDomain;
    void this.#watch();
  }

  get maxPayloadBytes(): number {
    return this.#nc.info?.max_payload ?? LIMITS.envelopeBytes;
  }

  get connection(): BusConnection | undefined {
    if (this.#nc.isClosed()) return undefined;
    // The client doesn't tell its local port; its socket does.
    const socket = this.#socket;
    if (socket?.localPort === undefined || socket.remotePort === undefined) return undefined;
    return { server: this.#nc.getServer(), localPort: socket.localPort, remotePort: socket.remotePort };
  }

  get #socket(): Socket | undefined {
    const { protocol } = this.#nc as unknown as { protocol?: { transport?: { socket?: Socket } } };
    return protocol?.transport?.socket;
  }

  publish(subject: string, data: Uint8Array): void {
    this.#nc.publish(subject, data);
  }

  subscribe(subject: string, onMessage: (message: BusMessage) => void, { queue }: SubscribeOptions = {}): Subscription {
    const kept = new KeptSubscription({
      open: (onRefused) => {
        const subscription = this.#nc.subscribe(subject, {
          ...(queue === undefined ? {} : { queue }),
          callback: (error, message) => {
            if (error !== null) return onRefused();
            const { subject: arrival, data, reply } = message;
            onMessage(
              reply === undefined || reply === '' ? { subject: arrival, data } : { subject: arrival, data, reply },
            );
          },
        });
        return { close: () => subscription.unsubscribe() };
      },
      confirm: () => this.flush(),
      onChange: (state) =>
        this.#emit(
          state === 'accepted'
            ? { type: 'subscribed', subject }
            : { type: 'refused', operation: 'subscription', subject },
        ),
    });
    this.#kept.set(kept, subject);
    return {
      close: () => {
        this.#kept.delete(kept);
        kept.close();
      },
    };
  }

  async flush(): Promise<void> {
    await this.#nc.flush();
  }

  request(subject: string, data: Uint8Array, { timeoutMs, signal }: RequestOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      // An inbox of its own: who may join may listen to single ones, not to all below its prefix.
      const answer = this.#nc.request(subject, data, { timeout: timeoutMs, noMux: true });
      const stop = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', stop, { once: true });
      answer
        .then(
          (message) => resolve(message.data),
          (cause: unknown) => reject(requestError(subject, cause)),
        )
        .finally(() => signal?.removeEventListener('abort', stop));
    });
  }

  async store(
    subject: string,
    data: Uint8Array,
    { expectedSequence, mayRepeat = false }: StoreOptions = {},
  ): Promise<number> {
    const js = (this.#js ??= this.#nc.jetstream(this.#domain === undefined ? {} : { domain: this.#domain }));
    try {
      const options = expectedSequence === undefined ? {} : { expect: { lastSubjectSequence: expectedSequence } };
      const patience = patienceWith(this.#nc, mayRepeat ? LIMITS.storagePatienceMs : 0);
      const { seq } = await insist(patience, () => js.publish(subject, data, { timeout: patience.tryMs, ...options }));
      return seq;
    } catch (cause) {
      if (cause instanceof NatsError && cause.api_error?.err_code === WRONG_LAST_SEQUENCE)
        throw new TransportError(`${subject} was stored by somebody else meanwhile`, { code: 'store-conflict', cause });
      throw storageError(`storing ${subject}`, cause);
    }
  }

  async load(stream: string, subject: string): Promise<LoadedMessage | undefined> {
    // A get by subject puts the subject where the server's permissions see it.
    const api = this.#domain === undefined ? '$JS.API' : `$JS.${this.#domain}.API`;
    try {
      const patience = patienceWith(this.#nc, LIMITS.storeTimeoutMs);
      const message = await insist(patience, () =>
        this.#nc.request(`${api}.DIRECT.GET.${stream}.${subject}`, undefined, { timeout: patience.tryMs }),
      );
      if (message.headers?.code === 404) return undefined;
      if (message.headers?.hasError === true) throw new Error(message.headers.description);
      return {
        subject,
        data: message.data,
        sequence: Number(message.headers?.get('Nats-Sequence')),
        storedAt: Date.parse(message.headers?.get('Nats-Time-Stamp') ?? ''),
      };
    } catch (cause) {
      throw storageError(`reading ${subject}`, cause);
    }
  }

  async loadAll(stream: string, filter: string): Promise<HistoryMessage[]> {
    const newest = new Map<string, HistoryMessage>();
    await readStream(this.#nc, await this.#reader(), {
      stream,
      filter,
      deliverPrefix: readPrefix(this.#options.name),
      seen: () => newest.size,
      onMessage: (message) => void newest.set(message.subject, message),
    });
    return [...newest.values()];
  }

  async read(
    stream: string,
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    options: ReadOptions = {},
  ): Promise<void> {
    let count = 0;
    await readStream(this.#nc, await this.#reader(), {
      ...options,
      stream,
      filter,
      deliverPrefix: readPrefix(this.#options.name),
      seen: () => count,
      onMessage: (message) => {
        count++;
        return onMessage(message);
      },
    });
  }

  async follow(
    stream: string,
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    { after = 0 }: FollowOptions = {},
  ): Promise<Subscription> {
    const followed = await FollowedStream.open(this.#nc, await this.#reader(), {
      stream,
      filter,
      after,
      deliverPrefix: readPrefix(this.#options.name),
      onMessage,
      onClose: (self) => this.#followed.delete(self),
    });
    this.#followed.add(followed);
    return followed;
  }

  async newestSequence(stream: string, filter: string): Promise<number> {
    return readNewestSequence(await this.#reader(), stream, filter);
  }

  async serverTime(stream: string, filter: string): Promise<number> {
    return readServerTime(await this.#reader(), stream, filter);
  }

  async ensureStream(settings: StreamSettings): Promise<void> {
    const jsm = await this.#manager();
    const config = {
      name: settings.name,
      subjects: [...settings.subjects],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      max_msgs_per_subject: settings.maxMessagesPerSubject ?? -1,
      ...(settings.maxAgeMs === undefined ? {} : { max_age: nanos(settings.maxAgeMs) }),
      ...(settings.maxBytes === undefined ? {} : { max_bytes: settings.maxBytes, discard: DiscardPolicy.Old }),
      max_msg_size: settings.maxMessageBytes,
      num_replicas: settings.replicas,
      allow_direct: true,
      // A node that may write its own entry could wipe the whole stream with one header otherwise.
      allow_rollup_hdrs: false,
      deny_delete: true,
      deny_purge: false,
    };
    try {
      await jsm.streams.add(config);
    } catch (error) {
      if (!(error instanceof NatsError) || !/already in use|name already/i.test(error.message))
        throw storageError(`creating the stream ${settings.name}`, error);
      if (settings.isFixed === true) return;
      await jsm.streams.update(settings.name, config).catch((cause: unknown) => {
        throw storageError(`updating the stream ${settings.name}`, cause);
      });
    }
  }

  onEvent(listener: (event: BusEvent) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    for (const kept of this.#kept.keys()) kept.stop();
    for (const followed of this.#followed) followed.close();
    if (this.#nc.isClosed()) return;
    // A drain waits for the server; one that has gone would be waited for without an end.
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LIMITS.busCloseMs);
    });
    await Promise.race([this.#nc.drain().catch(() => undefined), patience]);
    clearTimeout(timer);
    if (!this.#nc.isClosed()) await this.#nc.close();
  }

  /** For consumers, which are soon made. */
  async #reader(): Promise<StreamReader> {
    const patience = patienceWith(this.#nc, LIMITS.storagePatienceMs);
    return { patience, jsm: await this.#manager(patience.tryMs) };
  }

  #manager(timeout: number = LIMITS.storeTimeoutMs): Promise<JetStreamManager> {
    // Making one asks the bus nothing.
    return this.#nc.jetstreamManager({
      checkAPI: false,
      timeout,
      ...(this.#domain === undefined ? {} : { domain: this.#domain }),
    });
  }

  #emit(event: BusEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async #watch(): Promise<void> {
    void this.#nc.closed().then((error) => {
      this.#emit({ type: 'closed', ...(error instanceof Error ? { error } : {}) });
    });
    // The client says both once for every attempt to connect.
    let isConnected = true;
    for await (const status of this.#nc.status()) {
      // The client waits until all is written before it lets go of a connection that nobody reads any more: a quarter of an
      // hour, where more was written than the system holds.
      if (status.type === DebugEvents.StaleConnection) this.#socket?.destroy();
      else if (status.type === Events.Disconnect && isConnected) {
        isConnected = false;
        this.#emit({ type: 'disconnected' });
      } else if (status.type === Events.Reconnect && !isConnected) {
        isConnected = true;
        this.#pace.noteConnected();
        for (const kept of this.#kept.keys()) void kept.renew();
        for (const followed of this.#followed) followed.renew();
        this.#emit({ type: 'reconnected' });
      } else if (status.type === Events.Error && status.permissionContext !== undefined) {
        const { operation, subject } = status.permissionContext;
        const isKept = operation === 'subscription' && [...this.#kept.values()].includes(subject);
        if (!isKept) this.#emit({ type: 'refused', operation, subject });
      } else if (status.type === Events.Error && isRefusal(status.data) && this.#pace.noteRefused()) {
        const error = describeRefusal({ ...this.#options, loginJwt: jwtOf(this.#options), now: systemClock.now() });
        this.#emit({ type: 'login-refused', error });
      }
    }
  }
}
