/** The bus, as the rest of the system sees it: bytes on subjects. nats-bus.ts is the real one. */
import type { TransportError } from './errors.ts';

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where an answer is waited for. It proves nothing: only services that answer whoever asks look at it. */
  readonly reply?: string;
}

export interface SubscribeOptions {
  /** Of all subscriptions of one queue, one gets each message. */
  readonly queue?: string;
}

export interface StoreOptions {
  /** Stored only where the newest message of the subject has this number; 0 where there is none. */
  readonly expectedSequence?: number;
  /** Tried again while a cluster has no leader for it; it may be there more than once then. @default false */
  readonly mayRepeat?: boolean;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface BusConnection {
  /** `host:port` */
  readonly server: string;
  readonly localPort: number;
  readonly remotePort: number;
}

export interface Subscription {
  close(): void;
}

export interface StoredMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

export interface LoadedMessage extends StoredMessage {
  /** Its number in the stream, for `StoreOptions.expectedSequence`. */
  readonly sequence: number;
  /** By the clock of the bus, in milliseconds since the epoch. */
  readonly storedAt: number;
}

export interface HistoryMessage extends StoredMessage {
  /** Its number in the stream. */
  readonly sequence: number;
  /** When the bus stored it, by the bus's clock, in milliseconds since the epoch. */
  readonly storedAt: number;
}

export interface ReadOptions {
  /** Only what was stored at this time or later, in milliseconds since the epoch. @default all */
  readonly since?: number | undefined;
  /** Ends the reading early; `read` then resolves. */
  readonly signal?: AbortSignal | undefined;
}

export interface FollowOptions {
  /** Only what has a higher number in the stream. @default from the beginning */
  readonly after?: number;
}

export interface StreamSettings {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly maxMessageBytes: number;
  /** Undefined: all of them. */
  readonly maxMessagesPerSubject: number | undefined;
  /** Older ones go. @default never */
  readonly maxAgeMs?: number;
  /** In all; the oldest go where there are more. @default what the server has room for */
  readonly maxBytes?: number;
  /** Copies over the servers of a cluster. */
  readonly replicas: number;
  /** Its settings are changed by the bus's owner alone: once it's there, it's left as it is. @default false */
  readonly isFixed?: boolean;
}

export type BusEvent =
  | { readonly type: 'disconnected' }
  /** While it tries to connect again: the login isn't good any more. Said once, until there is a connection. */
  | { readonly type: 'login-refused'; readonly error: TransportError }
  | { readonly type: 'reconnected' }
  | { readonly type: 'closed'; readonly error?: Error }
  | { readonly type: 'refused'; readonly operation: string; readonly subject: string }
  /** A subscription that was refused is there now. */
  | { readonly type: 'subscribed'; readonly subject: string };

export interface Bus {
  /** Largest message that the server takes, in bytes. */
  readonly maxPayloadBytes: number;
  /** Both ends of the connection, to tell which process on this machine is the bus; undefined while there is none. */
  readonly connection: BusConnection | undefined;
  publish(subject: string, data: Uint8Array): void;
  /** While the bus refuses it, it's asked for again: see the events `refused` and `subscribed`. */
  subscribe(subject: string, onMessage: (message: BusMessage) => void, options?: SubscribeOptions): Subscription;
  /** Asks, and resolves with the first answer. @throws TransportError `no-answer`, `no-service`; the signal's reason */
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  /** Resolves when the server has processed everything sent so far. */
  flush(): Promise<void>;
  /**
   * Stores a message in the stream that takes its subject; resolves with its number there.
   * @throws TransportError when it isn't stored; `store-conflict` by its option
   */
  store(subject: string, data: Uint8Array, options?: StoreOptions): Promise<number>;
  /** The newest message on a subject. */
  load(stream: string, subject: string): Promise<LoadedMessage | undefined>;
  /** The newest message of every subject that fits the filter. */
  loadAll(stream: string, filter: string): Promise<HistoryMessage[]>;
  /**
   * Every message whose subject fits the filter, one after another in the order they were stored, up to those that are
   * there when the reading begins. Who is slow to take one holds the bus back: nothing piles up here.
   * @throws TransportError also where the bus left something out
   */
  read(
    stream: string,
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    options?: ReadOptions,
  ): Promise<void>;
  /**
   * What fits the filter, from the first that is there, then as it is stored: in order, one after another, each once, over
   * reconnects. Who is slow to take one holds the bus back. Resolves when nothing is missed any more that is stored from
   * then on. @throws TransportError
   */
  follow(
    stream: string,
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    options?: FollowOptions,
  ): Promise<Subscription>;
  /** Number in the stream of the newest message that fits the filter; 0 where there is none. @throws TransportError */
  newestSequence(stream: string, filter: string): Promise<number>;
  /** The clock of the bus, in milliseconds since the epoch. Needs the right to read `filter`. */
  serverTime(stream: string, filter: string): Promise<number>;
  /** Creates a stream, or brings it to these settings. */
  ensureStream(settings: StreamSettings): Promise<void>;
  onEvent(listener: (event: BusEvent) => void): void;
  /** Sends what is buffered and closes. */
  close(): Promise<void>;
}
