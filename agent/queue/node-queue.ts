/**
 * What waits for this node on the bus: looked at after every connection, and carried out in its order, the next when the
 * one before has its final on the disk; cancels at once. Each is taken out when that is done. A crash anywhere in between
 * has it carried out again, and then the replay memory answers.
 */
import type { Bus, BusMessage } from '../../shared/bus.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { queueStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { encodeQueue, type QueueEntry } from '../../shared/wire/queue.ts';
import type { ControlDocuments } from '../control/control-documents.ts';
import { isCancel, keyOf, readEntries } from './queued-message.ts';

export interface NodeQueueOptions {
  readonly fleet: string;
  readonly node: string;
}

export interface NodeQueueDependencies {
  readonly bus: Bus;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly control: Pick<ControlDocuments, 'renew'>;
  /** Resolves when its final is kept; false: it can't be now. */
  readonly carryOut: (message: BusMessage) => Promise<boolean>;
  /** From 0 to 1. */
  readonly random: () => number;
}

export class NodeQueue {
  readonly #options: NodeQueueOptions;
  readonly #deps: NodeQueueDependencies;
  readonly #subject: string;
  /** As it was read last. */
  #entries: readonly QueueEntry[] = [];
  /** Carried out, by keyOf(); the bus may still have them. */
  readonly #done = new Set<string>();
  /** Being carried out. */
  readonly #taken = new Set<string>();
  #looking: Promise<void> | undefined;
  #isCarryingOut = false;
  #timer: NodeJS.Timeout | undefined;
  #retryMs: number = LIMITS.queueRetryMs;
  /** That it can't be read: said once. */
  #isTold = false;
  #isStopped = false;

  constructor(options: NodeQueueOptions, dependencies: NodeQueueDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#subject = dependencies.subjects.queue(options.node);
  }

  /** Once commands for this node arrive: what is stored from then on is sent as well. */
  start(): void {
    this.#deps.bus.onEvent(({ type }) => {
      if (type === 'reconnected') this.#lookWithin(LIMITS.queueLookJitterMs);
    });
    this.#lookWithin(LIMITS.queueLookJitterMs);
  }

  /**
   * Whether these very bytes wait here: then they are carried out in their turn. Looks, because what was stored just now
   * is sent right behind that.
   */
  async holds(message: Uint8Array): Promise<boolean> {
    if (this.#isStopped) return false;
    const key = keyOf(message);
    if (await this.#look()) return this.#entries.some((entry) => keyOf(entry.message) === key);
    // Who can't read it doesn't know an order: nothing runs twice in any case.
    return this.#taken.has(key);
  }

  /** Begins nothing more; what is under way goes on, and is taken out by the next agent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #lookWithin(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#look(), this.#deps.random() * ms).unref();
  }

  /** Reads it and goes on with what is there. @returns false where it could not be read */
  async #look(): Promise<boolean> {
    let isRead = true;
    // One that has begun may have been answered before what is asked about was stored.
    while (this.#looking !== undefined) await this.#looking;
    if (this.#isStopped) return false;
    this.#looking = this.#read()
      .then(() => {
        this.#retryMs = LIMITS.queueRetryMs;
        this.#isTold = false;
        this.#lookAfter(LIMITS.queueCheckMs * (1 + this.#deps.random()));
        this.#carryOutCancels();
        if (!this.#isCarryingOut) void this.#carryOutAll().catch((error: unknown) => this.#failed(error));
      })
      .catch((error: unknown) => {
        isRead = false;
        this.#failed(error);
      })
      .finally(() => (this.#looking = undefined));
    await this.#looking;
    return isRead;
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#look(), ms).unref();
  }

  #failed(error: unknown): void {
    const { log } = this.#deps;
    if (!(error instanceof FleetError)) return log.error({ err: error }, 'taking what waits for this node broke');
    // A bus that has no queues, or a login from before there were any, stays so for a while.
    const level = this.#isTold ? 'debug' : 'warn';
    this.#isTold = true;
    log[level]({ code: error.code, reason: error.message }, 'what waits for this node could not be read or taken out: trying again'); // prettier-ignore
    this.#lookAfter(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LIMITS.queueRetryMaxMs);
  }

  /** Takes out what is done. @throws TransportError */
  async #read(): Promise<void> {
    const { bus, log } = this.#deps;
    for (;;) {
      const stored = await bus.load(queueStream(this.#options.fleet), this.#subject);
      const found = stored === undefined ? [] : readEntries(stored.data);
      if (found === undefined) log.warn('what waits for this node is damaged, and thrown away');
      const done = new Set(this.#done);
      const entries = (found ?? []).filter(({ message }) => !done.has(keyOf(message)));
      if (stored !== undefined && entries.length !== found?.length)
        try {
          await bus.store(this.#subject, encodeQueue(entries), { expectedSequence: stored.sequence });
        } catch (error) {
          // Something was added in this moment.
          if (error instanceof FleetError && error.code === 'store-conflict') continue;
          throw error;
        }
      this.#entries = entries;
      for (const key of done) this.#done.delete(key);
      return;
    }
  }

  #carryOutCancels(): void {
    for (const { message } of this.#entries)
      if (isCancel(message) && !this.#taken.has(keyOf(message)))
        void this.#carryOut(message).then((isDone) => isDone && this.#look());
  }

  async #carryOutAll(): Promise<void> {
    this.#isCarryingOut = true;
    try {
      for (;;) {
        const next = this.#entries.find(({ message }) => !isCancel(message));
        if (next === undefined || this.#isStopped) return;
        // Who has been revoked since may start nothing.
        const isDone = (await this.#deps.control.renew()) && (await this.#carryOut(next.message));
        if (!isDone) return this.#lookAfter(this.#retryMs);
        if (!(await this.#look())) return;
      }
    } finally {
      this.#isCarryingOut = false;
    }
  }

  async #carryOut(message: Uint8Array): Promise<boolean> {
    const key = keyOf(message);
    this.#taken.add(key);
    const subject = this.#deps.subjects.commandNode(this.#options.node);
    const isDone = await this.#deps.carryOut({ subject, data: message });
    this.#taken.delete(key);
    if (isDone) this.#done.add(key);
    return isDone;
  }
}
