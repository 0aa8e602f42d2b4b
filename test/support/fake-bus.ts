/** A bus within one process: what is published is kept, and given to whoever subscribed. Stores nothing. */
import { TransportError } from '../../shared/errors.ts';
import type {
  Bus,
  BusEvent,
  BusMessage,
  FollowOptions,
  HistoryMessage,
  LoadedMessage,
  ReadOptions,
  StoreOptions,
  Subscription,
} from '../../shared/bus.ts';

export class FakeBus implements Bus {
  maxPayloadBytes = 1024 * 1024;
  readonly connection = undefined;
  readonly published: BusMessage[] = [];
  /** What `load` and `loadAll` find, by subject. */
  readonly stored = new Map<string, Uint8Array>();
  /** All that was stored, in order. */
  readonly history: HistoryMessage[] = [];
  /** Thrown by `publish` and `store` while set. */
  broken: Error | undefined;
  /** Thrown by `store` alone while set: a bus without a leader of its storage. */
  unstorable: Error | undefined;
  /** Numbers of what was stored, by subject. */
  readonly #sequences = new Map<string, number>();
  readonly #listeners: ((event: BusEvent) => void)[] = [];
  readonly #followers = new Set<{ filter: string; onMessage: (message: HistoryMessage) => void | Promise<void> }>();
  readonly #subscriptions = new Set<{ subject: string; onMessage: (message: BusMessage) => void }>();

  publish(subject: string, data: Uint8Array): void {
    if (this.broken !== undefined) throw this.broken;
    const message = { subject, data };
    this.published.push(message);
    for (const { subject: filter, onMessage } of this.#subscriptions) if (fits(filter, subject)) onMessage(message);
  }

  subscribe(subject: string, onMessage: (message: BusMessage) => void): Subscription {
    const subscription = { subject, onMessage };
    this.#subscriptions.add(subscription);
    return { close: () => void this.#subscriptions.delete(subscription) };
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  request(): Promise<Uint8Array> {
    return Promise.reject(new TransportError('nobody answers', { code: 'no-service' }));
  }

  store(subject: string, data: Uint8Array, { expectedSequence }: StoreOptions = {}): Promise<number> {
    const refusal = this.broken ?? this.unstorable;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (expectedSequence !== undefined && expectedSequence !== this.#sequenceOf(subject))
      return Promise.reject(new TransportError('stored meanwhile', { code: 'store-conflict' }));
    this.stored.set(subject, data);
    const sequence = Math.max(0, ...this.#sequences.values()) + 1;
    this.#sequences.set(subject, sequence);
    const message = { subject, data, sequence, storedAt: Date.now() };
    this.history.push(message);
    for (const { filter, onMessage } of this.#followers) if (fits(filter, subject)) void onMessage(message);
    return Promise.resolve(sequence);
  }

  async read(
    _stream: string,
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    { since = 0 }: ReadOptions = {},
  ): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    for (const message of this.history.slice())
      if (fits(filter, message.subject) && message.storedAt >= since) await onMessage(message);
  }

  async follow(
    _stream: string,
    filter: string,
    onMessage: (message: HistoryMessage) => void | Promise<void>,
    { after = 0 }: FollowOptions = {},
  ): Promise<Subscription> {
    await this.read(_stream, filter, (message) => (message.sequence > after ? onMessage(message) : undefined));
    const follower = { filter, onMessage };
    this.#followers.add(follower);
    return { close: () => void this.#followers.delete(follower) };
  }

  load(_stream: string, subject: string): Promise<LoadedMessage | undefined> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const data = this.stored.get(subject);
    return Promise.resolve(
      data === undefined ? undefined : { subject, data, sequence: this.#sequenceOf(subject), storedAt: Date.now() },
    );
  }

  loadAll(_stream: string, filter: string): Promise<HistoryMessage[]> {
    const found = [...this.stored].filter(([subject]) => fits(filter, subject));
    return Promise.resolve(
      found.map(([subject, data]) => ({ subject, data, sequence: this.#sequenceOf(subject), storedAt: Date.now() })),
    );
  }

  newestSequence(_stream: string, filter: string): Promise<number> {
    const found = [...this.stored.keys()].filter((subject) => fits(filter, subject));
    return Promise.resolve(Math.max(0, ...found.map((subject) => this.#sequenceOf(subject))));
  }

  serverTime(): Promise<number> {
    return Promise.resolve(Date.now());
  }

  ensureStream(): Promise<void> {
    return Promise.resolve();
  }

  onEvent(listener: (event: BusEvent) => void): void {
    this.#listeners.push(listener);
  }

  emit(event: BusEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** As after a restore of the machine that it runs on. */
  loseAll(): void {
    this.stored.clear();
    this.#sequences.clear();
    this.history.length = 0;
  }

  /** What a test put there by hand is the first. */
  #sequenceOf(subject: string): number {
    return this.#sequences.get(subject) ?? (this.stored.has(subject) ? 1 : 0);
  }

  close(): Promise<void> {
    this.#subscriptions.clear();
    return Promise.resolve();
  }
}

function fits(filter: string, subject: string): boolean {
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  if (wanted.at(-1) === '>') return tokens.length >= wanted.length && wanted.slice(0, -1).every(isToken(tokens));
  return tokens.length === wanted.length && wanted.every(isToken(tokens));
}

const isToken =
  (tokens: readonly string[]) =>
  (wanted: string, at: number): boolean =>
    wanted === '*' || wanted === tokens[at];
