/**
 * What the node has to say for the record: on its disk before it is sent, and sent until the bus has confirmed it, over
 * lost connections, restarts and crashes of the agent; in order for each job. Readers tell copies of one message by node
 * and number, so a confirmation that got lost costs nothing.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import {
  readOutbox,
  readOutboxFile,
  removeOutboxFile,
  writeOutboxFile,
  type OutboxFile,
  type OutboxRecord,
} from './outbox-files.ts';

export interface OutboxOptions {
  readonly folder: string;
  /** All that waits, in bytes. */
  readonly maxBytes: number;
  /** What is older is dropped: nobody could read it any more. */
  readonly maxAgeMs: number;
}

export interface OutboxDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where who waits for it hears what is recorded under that subject. */
  readonly heardAt: (subject: string) => string;
}

interface Waiting extends Pick<OutboxRecord, 'subject' | 'kind' | 'at'> {
  readonly number: number;
  readonly bytes: number;
  /** Absent where they lie on the disk alone. */
  messages: readonly Uint8Array[] | undefined;
  /** Whether there is a file: a disk that is full has none. */
  readonly isOnDisk: boolean;
  /** Of its messages, how many the bus has confirmed. */
  sent: number;
  isSaid: boolean;
  isGone: boolean;
}

/** What a step of the pipeline hands over. */
export type Outgoing = Omit<OutboxRecord, 'version' | 'at'>;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #deps: OutboxDependencies;
  /** In order, by number. */
  readonly #waiting = new Map<number, Waiting>();
  #bytes = 0;
  #next = 1;
  #sending: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number = LIMITS.outboxRetryMs;
  #isAway = false;
  #isClosed = false;

  private constructor(options: OutboxOptions, dependencies: OutboxDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    dependencies.bus.onEvent(({ type }) => {
      if (type === 'disconnected') this.#isAway = true;
      if (type !== 'reconnected') return;
      this.#isAway = false;
      this.#retryMs = LIMITS.outboxRetryMs;
      this.#send();
    });
  }

  /**
   * With what an earlier agent left behind, which is sent from now on.
   * @param onLeft told of each before that
   * @throws what the file system throws
   */
  static async open(
    options: OutboxOptions,
    dependencies: OutboxDependencies,
    onLeft: (record: OutboxRecord) => void = () => undefined,
  ): Promise<Outbox> {
    const outbox = new Outbox(options, dependencies);
    const { log } = dependencies;
    await readOutbox(
      options.folder,
      (file) => {
        outbox.#takeBack(file);
        onLeft(file.record);
      },
      (path) => log.error({ path }, 'an answer that waited to be recorded is damaged, and put aside'),
    );
    if (outbox.#waiting.size > 0) log.info({ answers: outbox.#waiting.size }, 'answers wait to be recorded');
    outbox.#send();
    return outbox;
  }

  /** Answers that the bus has not confirmed. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when it's on the disk; it's sent then. Where it can't be written, it's kept in memory, and said. */
  async put(outgoing: Outgoing): Promise<void> {
    const record: OutboxRecord = { version: 1, at: this.#deps.clock.now(), ...outgoing };
    const number = this.#next++;
    const { subject, kind, at, messages } = record;
    let bytes = messages.reduce((sum, { length }) => sum + length, 0);
    let isOnDisk = true;
    try {
      bytes = await writeOutboxFile(this.#options.folder, number, record);
    } catch (error) {
      isOnDisk = false;
      this.#deps.log.error(
        { err: error },
        'an answer could not be written to the disk: a crash before it is sent would lose it',
      );
    }
    this.#add({ number, subject, kind, at, bytes, messages, isOnDisk, sent: 0, isSaid: false, isGone: false });
    await this.#makeRoom(number);
    this.#send();
  }

  /** Waits for what is being sent; the rest is there for the next agent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#sending;
  }

  #takeBack({ number, bytes, record: { subject, kind, at } }: OutboxFile): void {
    this.#next = Math.max(this.#next, number + 1);
    this.#add({
      number,
      subject,
      kind,
      at,
      bytes,
      messages: undefined,
      isOnDisk: true,
      sent: 0,
      isSaid: false,
      isGone: false,
    });
  }

  #add(waiting: Waiting): void {
    this.#waiting.set(waiting.number, waiting);
    this.#bytes += waiting.bytes;
  }

  async #remove(waiting: Waiting): Promise<void> {
    if (waiting.isGone) return;
    waiting.isGone = true;
    this.#waiting.delete(waiting.number);
    this.#bytes -= waiting.bytes;
    if (waiting.isOnDisk) await removeOutboxFile(this.#options.folder, waiting.number);
  }

  /** Output goes first, the oldest before others; finals only where that is not enough. */
  async #makeRoom(newest: number): Promise<void> {
    const { maxAgeMs, maxBytes } = this.#options;
    const now = this.#deps.clock.now();
    const all = [...this.#waiting.values()];
    const dropped = all.filter(({ at }) => now - at > maxAgeMs);
    let bytes = this.#bytes - dropped.reduce((sum, one) => sum + one.bytes, 0);
    const rest = all.filter((one) => !dropped.includes(one) && one.number !== newest);
    for (const kind of ['output', 'final'] as const)
      for (const one of rest.filter((other) => other.kind === kind)) {
        if (bytes <= maxBytes) break;
        dropped.push(one);
        bytes -= one.bytes;
      }
    if (dropped.length === 0) return;
    const finals = dropped.filter(({ kind }) => kind === 'final').length;
    this.#deps.log.error(
      { answers: dropped.length, finals },
      'answers that waited to be recorded were dropped: too old, or no room',
    );
    for (const one of dropped) await this.#remove(one);
  }

  #send(): void {
    if (this.#isClosed || this.#isAway || this.#sending !== undefined || this.#waiting.size === 0) return;
    clearTimeout(this.#retry);
    this.#sending = this.#sendAll()
      .catch((error: unknown) => {
        this.#deps.log.error({ err: error }, 'sending what is to be recorded broke');
        return false;
      })
      .then((isThrough) => {
        this.#sending = undefined;
        // What came in the last moment.
        if (isThrough) return this.#send();
        if (this.#waiting.size === 0 || this.#isClosed) return;
        this.#retry = setTimeout(() => this.#send(), this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, LIMITS.outboxRetryMaxMs);
      });
  }

  /**
   * Until nothing is left, or the bus doesn't take it. One job's answers one after another, those of several at once.
   * @returns whether nothing is left
   */
  async #sendAll(): Promise<boolean> {
    const failed = new Set<string>();
    for (;;) {
      const lanes = new Map<string, Waiting[]>();
      for (const one of this.#waiting.values())
        if (!failed.has(one.subject)) lanes.set(one.subject, [...(lanes.get(one.subject) ?? []), one]);
      const now = [...lanes.values()].slice(0, LIMITS.outboxConcurrent);
      if (now.length === 0 || this.#isClosed || this.#isAway) return failed.size === 0 && !this.#isAway;
      const errors = await Promise.all(now.map((lane) => this.#sendLane(lane)));
      for (const [at, error] of errors.entries()) {
        const subject = now[at]?.[0]?.subject;
        if (error === undefined || subject === undefined) continue;
        if (failed.size === 0) this.#deps.log.warn({ err: error, waiting: this.#waiting.size }, 'answers wait: the bus does not store them'); // prettier-ignore
        failed.add(subject);
      }
      if (errors.includes(undefined)) this.#retryMs = LIMITS.outboxRetryMs;
      // One that doesn't answer is not asked for each of many jobs.
      else return false;
    }
  }

  async #sendLane(lane: readonly Waiting[]): Promise<unknown> {
    for (const one of lane) {
      let messages: readonly Uint8Array[] = [];
      try {
        messages = one.messages ?? (await readOutboxFile(this.#options.folder, one.number)).messages;
        for (const message of messages.slice(one.sent)) {
          if (this.#isClosed || one.isGone) return undefined;
          await this.#deps.bus.store(one.subject, message);
          one.sent++;
        }
        await this.#remove(one);
      } catch (error) {
        if (one.isOnDisk) one.messages = undefined;
        this.#sayAside(one, messages);
        return error ?? new Error('unknown');
      }
    }
    return undefined;
  }

  /** A cluster that lost a server stores nothing for some seconds, and no node is to be taken for lost meanwhile. */
  #sayAside(one: Waiting, messages: readonly Uint8Array[]): void {
    const { bus, heardAt } = this.#deps;
    if (one.kind !== 'final' || one.isSaid || one.isGone || this.#isAway || this.#isClosed) return;
    one.isSaid = true;
    try {
      for (const message of messages) bus.publish(heardAt(one.subject), message);
    } catch {
      // There is no bus at all: it will be stored when there is.
    }
  }
}
