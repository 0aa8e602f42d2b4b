/**
 * The enrolment service: subscribed → draining → stopped. It works on so many requests at once, keeps some waiting, and
 * drops what is beyond that: who wants to join asks again. Several may run; each question goes to one of them.
 */
import type { Bus, BusMessage, Subscription } from '../../shared/bus.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { UseTaker } from './use-taker.ts';

interface Handler {
  handle(message: BusMessage): Promise<Uint8Array | undefined>;
}

export interface EnrollServiceDependencies {
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly log: Logger;
  readonly joins: Handler;
  readonly admin: Handler;
  readonly uses: UseTaker;
}

const QUEUE = 'enroll';

export class EnrollService {
  readonly #deps: EnrollServiceDependencies;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  #subscriptions: Subscription[] = [];
  #dropped = 0;

  constructor(dependencies: EnrollServiceDependencies) {
    this.#deps = dependencies;
  }

  /** Resolves when the bus sends what is asked. */
  async start(): Promise<void> {
    const { admin, bus, joins, subjects } = this.#deps;
    this.#subscriptions = [
      bus.subscribe(subjects.enroll(), (message) => this.#take(joins, message), { queue: QUEUE }),
      bus.subscribe(subjects.enrollAdmin(), (message) => this.#take(admin, message), { queue: QUEUE }),
    ];
    await bus.flush();
  }

  /** Takes nothing new, answers what it has taken. */
  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#deps.uses.settle();
    await this.#deps.bus.flush();
  }

  #take(handler: Handler, message: BusMessage): void {
    // Nobody would hear the answer, and who wants one asks so that there is somewhere to send it.
    if (message.reply === undefined) return;
    if (this.#waiting.length >= LIMITS.enrollWaiting) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      this.#deps.log.warn({ dropped: this.#dropped }, 'more was asked than could wait: it is asked again');
      this.#dropped = 0;
    }
    this.#waiting.push(() => this.#answer(handler, message));
    this.#next();
  }

  #next(): void {
    while (this.#running.size < LIMITS.enrollConcurrent) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      const run = work().finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
  }

  async #answer(handler: Handler, message: BusMessage): Promise<void> {
    const { bus, log } = this.#deps;
    try {
      const answer = await handler.handle(message);
      if (answer !== undefined && message.reply !== undefined) bus.publish(message.reply, answer);
    } catch (error) {
      // Without an answer it's asked again.
      if (error instanceof FleetError) log.warn({ code: error.code, why: error.message }, 'could not answer');
      else log.error({ err: error }, 'could not answer: a bug');
    }
  }
}
