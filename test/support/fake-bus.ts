/** A bus within one process: what is published is kept, and given to whoever subscribed. Stores nothing. */
import type { Bus, BusEvent, BusMessage, StoredMessage, Subscription } from '../../shared/bus.ts';

export class FakeBus implements Bus {
  maxPayloadBytes = 1024 * 1024;
  readonly connection = undefined;
  readonly published: BusMessage[] = [];
  /** What `load` and `loadAll` find, by subject. */
  readonly stored = new Map<string, Uint8Array>();
  /** Thrown by `publish` and `store` while set. */
  broken: Error | undefined;
  readonly #listeners: ((event: BusEvent) => void)[] = [];
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

  store(subject: string, data: Uint8Array): Promise<void> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    this.stored.set(subject, data);
    return Promise.resolve();
  }

  load(_stream: string, subject: string): Promise<StoredMessage | undefined> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const data = this.stored.get(subject);
    return Promise.resolve(data === undefined ? undefined : { subject, data });
  }

  loadAll(_stream: string, filter: string): Promise<StoredMessage[]> {
    return Promise.resolve(
      [...this.stored].filter(([subject]) => fits(filter, subject)).map(([subject, data]) => ({ subject, data })),
    );
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
