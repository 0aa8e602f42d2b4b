/**
 * A subscription that outlives a refusal. The client forgets one that the server refuses, and a new connection doesn't
 * bring it back; the right to it may come a minute later. So it's asked for again, with growing waits and after every
 * reconnect.
 */
import type { Subscription } from './bus.ts';
import { LIMITS } from './limits.ts';

export interface KeptSubscriptionOptions {
  /** Asks the server; `onRefused` is called when it says no, now or later. */
  readonly open: (onRefused: () => void) => Subscription;
  /** Resolves when the server has answered all that it was asked. */
  readonly confirm: () => Promise<void>;
  /** Called when it's refused, and when it's there again; not for every attempt. */
  readonly onChange: (state: 'refused' | 'accepted') => void;
}

export class KeptSubscription implements Subscription {
  readonly #options: KeptSubscriptionOptions;
  #current: Subscription;
  #attempt = 0;
  #isRefused = false;
  #waitMs: number = LIMITS.resubscribeWaitMs;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: KeptSubscriptionOptions) {
    this.#options = options;
    this.#current = this.#open();
  }

  /** Asks again at once where it was refused. */
  async renew(): Promise<void> {
    if (!this.#isRefused || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#current = this.#open();
    const attempt = this.#attempt;
    try {
      await this.#options.confirm();
    } catch {
      // The connection went: the next one asks again.
      if (attempt === this.#attempt) this.#askLater();
      return;
    }
    // A refusal has asked for a timer by now.
    if (this.#isClosed || attempt !== this.#attempt || this.#timer !== undefined) return;
    this.#isRefused = false;
    this.#waitMs = LIMITS.resubscribeWaitMs;
    this.#options.onChange('accepted');
  }

  close(): void {
    this.stop();
    this.#current.close();
  }

  /** Asks no more, and leaves what there is to the end of the connection. */
  stop(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #open(): Subscription {
    const attempt = ++this.#attempt;
    return this.#options.open(() => {
      if (attempt !== this.#attempt || this.#isClosed) return;
      this.#askLater();
      if (this.#isRefused) return;
      this.#isRefused = true;
      this.#options.onChange('refused');
    });
  }

  #askLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.renew(), this.#waitMs).unref();
    this.#waitMs = Math.min(2 * this.#waitMs, LIMITS.resubscribeWaitMaxMs);
  }
}
