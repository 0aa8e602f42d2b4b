/**
 * Notices that the bus is lost for the commands that wait for answers. States: there → away (a disconnect, which may be
 * over before anyone minds) → lost (closed, or away for too long). What is lost stays lost.
 */
import type { Bus, BusEvent } from '../shared/bus.ts';
import { TransportError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';

interface Waiter {
  /** Where it hears answers. */
  readonly subject: string;
  readonly onLost: (why: string) => void;
}

export class BusWatch {
  readonly #waiters = new Set<Waiter>();
  #away: NodeJS.Timeout | undefined;
  #lost: string | undefined;
  #breaks = 0;

  constructor(bus: Pick<Bus, 'onEvent'>) {
    bus.onEvent((event) => this.#on(event));
  }

  /** Why the bus is lost; undefined while it isn't. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** How often the connection broke, for who has to know whether it did meanwhile. */
  get breaks(): number {
    return this.#breaks;
  }

  /** @throws TransportError `bus-lost` */
  assertThere(): void {
    if (this.#lost !== undefined)
      throw new TransportError(`${this.#lost}; nothing was sent`, {
        code: 'bus-lost',
        hint: 'Check that nats-server runs, and send it again.',
      });
  }

  /** Calls back once, when answers on this subject can't come any more. Returns what ends that. */
  onLost(subject: string, onLost: (why: string) => void): () => void {
    const waiter: Waiter = { subject, onLost };
    this.#waiters.add(waiter);
    return () => void this.#waiters.delete(waiter);
  }

  close(): void {
    clearTimeout(this.#away);
  }

  #on(event: BusEvent): void {
    if (event.type === 'disconnected') this.#breaks++;
    if (event.type === 'disconnected')
      this.#away ??= setTimeout(() => this.#lose('the bus does not come back'), LIMITS.busAbsenceMs).unref();
    if (event.type === 'reconnected') {
      clearTimeout(this.#away);
      this.#away = undefined;
    }
    if (event.type === 'closed') this.#lose('the connection to the bus has ended');
    if (event.type === 'refused')
      for (const waiter of this.#waiters)
        if (waiter.subject === event.subject) this.#tell(waiter, 'the bus does not let this identity hear answers');
  }

  #lose(why: string): void {
    clearTimeout(this.#away);
    this.#lost ??= why;
    for (const waiter of this.#waiters) this.#tell(waiter, this.#lost);
  }

  #tell(waiter: Waiter, why: string): void {
    this.#waiters.delete(waiter);
    waiter.onLost(why);
  }
}
