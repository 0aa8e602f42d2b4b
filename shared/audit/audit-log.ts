/**
 * The audit trail of one writer: events are written down at once, signed and stored on the bus in batches, and stored
 * later where the bus is away. What the bus has is asked of it, never assumed; each batch is stored only right behind
 * the one before it, so nothing is there twice. Used by agents for as long as they run, by others for a moment.
 */
import type { Bus, HistoryMessage, LoadedMessage } from '../bus.ts';
import type { Clock } from '../clock.ts';
import { FleetError, RefusedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { sealAuditBatch, withRecords, type AuditBatch, type AuditEvent } from '../wire/audit.ts';
import type { SignerIdentity } from '../wire/envelope.ts';
import type { ChainedRecord } from './chain.ts';
import { readLast, type LastBatch } from './last-batch.ts';
import { isSame, lastSeq } from './trail-records.ts';
import { TrailStore, type TrailStoreOptions } from './trail-store.ts';

export interface AuditLogOptions extends TrailStoreOptions {
  readonly fleetId: string;
  readonly stream: string;
  /** Where the batches are stored. */
  readonly subject: string;
  /** Others may write under the same name on other machines, and this one may read what is stored. @default false */
  readonly isShared?: boolean;
  /** Stores by itself, a moment after there is something to store. @default false: only when `flush` is called */
  readonly isTimed?: boolean;
}

export interface AuditLogDependencies {
  readonly bus: Pick<Bus, 'load' | 'store' | 'read' | 'maxPayloadBytes'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: SignerIdentity;
}

/** Left free of the bus's largest message by the records of a batch. */
const ENVELOPE_BYTES = 16 * 1024;
/** Others that store under the same name at the same time: each attempt asks the bus anew. */
const ATTEMPTS = 8;

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #deps: AuditLogDependencies;
  readonly #store: TrailStore;
  /** Number of the newest message on the subject; undefined: the bus has to be asked. */
  #sequence: number | undefined;
  /** Events that could not be written down. */
  #lost = 0;
  /** Spelled out in a batch before: from then on its hash is enough. */
  #credentialSent: Uint8Array | undefined;
  #isBusAsked = false;
  /** The bus may have batches that it wasn't heard to have taken. */
  #isUncertain: boolean;
  #isAway = false;
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs: number = LIMITS.auditRetryMs;
  #isClosed = false;

  private constructor(options: AuditLogOptions, dependencies: AuditLogDependencies, store: TrailStore) {
    this.#options = options;
    this.#deps = dependencies;
    this.#store = store;
    this.#isUncertain = store.hasSealed || store.isUnsealedLeft;
  }

  /** Throws what the file system throws. */
  static async open(options: AuditLogOptions, dependencies: AuditLogDependencies): Promise<AuditLog> {
    const { bus, log } = dependencies;
    const findLink = async (): Promise<LastBatch | undefined> => {
      try {
        const last = await bus.load(options.stream, options.subject);
        return last === undefined ? undefined : readLast(last.data, options.fleetId, dependencies.identity);
      } catch (error) {
        log.warn({ err: error }, 'the audit trail begins without knowing what the bus has of an earlier one');
        return undefined;
      }
    };
    return new AuditLog(options, dependencies, await TrailStore.open(options, dependencies, findLink));
  }

  /** Whether there is anything that the bus doesn't have. */
  get isBehind(): boolean {
    return this.#store.isBehind;
  }

  /** How many records wait for a signature. */
  get unsigned(): number {
    return this.#store.unsealed.length;
  }

  /** Writes down what happened, soon. Where that can't be done it's counted, and the count is written down later. */
  append(event: AuditEvent): void {
    if (this.#store.full !== undefined) {
      if (this.#lost === 0) this.#deps.log.error({ why: this.#store.full }, 'the audit trail can not be written');
      this.#lost++;
    } else this.#append(event);
    this.#schedule();
  }

  /**
   * Writes down what is about to happen. Resolves when that would survive the end of the process, and with `durable` when
   * it would survive a power cut.
   * @throws RefusedError `cannot-record`
   */
  async record(event: AuditEvent, options: { readonly durable: boolean }): Promise<void> {
    const { full } = this.#store;
    if (full !== undefined) {
      this.#schedule();
      throw new RefusedError(`the audit trail can't be written: ${full}`, { code: 'cannot-record' });
    }
    this.#append(event);
    this.#schedule();
    try {
      await this.#store.written(options);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'error';
      throw new RefusedError(`the audit trail can't be written (${code})`, { code: 'cannot-record', cause });
    }
  }

  /**
   * Signs what isn't signed, and stores what the bus doesn't have.
   * @throws TransportError when the bus doesn't take it; what the file system throws
   */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush();
    return this.#flushing;
  }

  /** Writes the rest, and gives the bus a moment to take it. */
  async close(): Promise<void> {
    let patience: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (patience = setTimeout(resolve, LIMITS.busCloseMs)));
    this.#isClosed = true;
    const flushed = (async () => {
      await this.#flushing?.catch(() => undefined);
      if (this.#store.isBehind) await this.flush();
    })();
    await Promise.race([flushed.catch(() => undefined), enough]);
    clearTimeout(patience);
    clearTimeout(this.#timer);
    // A bus that is still waited for is waited for in vain.
    await this.#store.close();
  }

  /** Lets go of the files; what isn't stored goes with the next. */
  async release(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#flushing?.catch(() => undefined);
    await this.#store.close();
  }

  #append(event: AuditEvent): void {
    if (this.#lost > 0) {
      const times = this.#lost;
      this.#lost = 0;
      this.#store.append({ event: 'lost', times });
    }
    this.#store.append(event);
  }

  async #flush(): Promise<void> {
    try {
      // Where the power went before a signature was on the disk, the bus may have it. Batches must not overlap.
      if (this.#store.isUnsealedLeft && !this.#isBusAsked) this.#sequence = await this.#askBus();
      await this.#seal();
      // The bus must never know more than the disk, or it looks as if the disk had been rolled back. After a power cut it
      // may: what only reads isn't worth a sync.
      await this.#store.written({ durable: false });
      await this.#sendAll();
      await this.#store.prune();
    } finally {
      this.#flushing = undefined;
    }
  }

  async #sendAll(): Promise<void> {
    for (let attempt = 1; this.#store.isBehind; attempt++)
      try {
        await this.#send();
        break;
      } catch (error) {
        this.#sequence = undefined;
        this.#isUncertain = true;
        if (!(error instanceof FleetError) || error.code !== 'store-conflict' || attempt === ATTEMPTS) throw error;
      }
  }

  async #seal(): Promise<void> {
    const { fleetId, subject } = this.#options;
    for (let records = this.#nextRecords(); records.length > 0; records = this.#nextRecords()) {
      const [first] = records;
      const last = records.at(-1);
      if (first === undefined || last === undefined) return;
      const batch: AuditBatch = {
        subject,
        chain: this.#store.head.chain,
        first: first.seq,
        count: records.length,
        prev: first.prev,
        ...(first.prevAt === undefined ? {} : { prevAt: first.prevAt }),
        last: last.hash,
      };
      const { credential, signer } = this.#deps.identity;
      const { hash } = credential;
      const envelope = await sealAuditBatch(fleetId, { credential, signer }, batch, {
        inlineCredential: this.#credentialSent !== hash || this.#options.isTimed !== true,
      });
      this.#credentialSent = hash;
      await this.#store.sealed({ batch, envelope, records: records.map(({ bytes }) => bytes) });
    }
  }

  #nextRecords(): readonly ChainedRecord[] {
    const room = Math.min(LIMITS.auditBatchBytes, this.#deps.bus.maxPayloadBytes - ENVELOPE_BYTES);
    let bytes = 0;
    let count = 0;
    const { confirmed, unsealed } = this.#store;
    for (const record of unsealed) {
      bytes += record.bytes.length;
      if (count > 0 && (bytes > room || count === LIMITS.auditBatchRecords)) break;
      count++;
      // What the bus has and what it doesn't have are never one batch.
      if (record.seq === confirmed) break;
    }
    return unsealed.slice(0, count);
  }

  async #send(): Promise<void> {
    const { subject } = this.#options;
    this.#sequence ??= await this.#askBus();
    const store = this.#store;
    for await (const { batch, envelope, records } of store.batchesAfter(store.confirmed)) {
      const data = withRecords(envelope, records);
      this.#sequence = await this.#deps.bus.store(subject, data, { expectedSequence: this.#sequence });
      store.confirm(lastSeq(batch));
    }
  }

  /** Finds out what the bus has of this chain; resolves with the number of the newest message. */
  async #askBus(): Promise<number> {
    const { bus, identity, log } = this.#deps;
    const { fleetId, stream, subject } = this.#options;
    const store = this.#store;
    const message = await bus.load(stream, subject);
    this.#isBusAsked = true;
    if (message === undefined) {
      if (store.confirmed > 0)
        log.warn({ records: store.confirmed }, 'the bus has lost the audit trail: what is kept here is sent again');
      store.confirm(store.oldest - 1);
      return 0;
    }
    const last = readLast(message.data, fleetId, identity);
    if (last !== undefined && isSame(last.chain, store.head.chain)) await this.#compare(last);
    else if (this.#options.isShared === true && this.#isUncertain) await this.#findOwn(message);
    else if (this.#options.isShared !== true && last?.isOwn === true && store.confirmed > 0)
      await this.#fork('overtaken', last);
    return message.sequence;
  }

  /** The newest is of this chain: up to there the bus has it, unless it's another history of the same. */
  async #compare(last: LastBatch): Promise<void> {
    const store = this.#store;
    if (last.seq <= store.head.seq) {
      const hash = await store.hashAt(last.seq);
      // Gone from the disk: the bus had it before, and has gone back.
      if (hash === undefined || isSame(hash, last.hash)) return store.confirm(Math.max(last.seq, store.oldest - 1));
    }
    if (!last.isOwn) return;
    store.confirm(await this.#commonEnd(last));
    await this.#fork('rolled-back', last);
  }

  /** The newest record that is the same here and there: what comes after it here, the bus doesn't have. */
  async #commonEnd(last: LastBatch): Promise<number> {
    const { confirmed, head } = this.#store;
    for (let seq = Math.min(last.seq, head.seq); seq > confirmed; seq--) {
      const [here, there] = [await this.#store.hashAt(seq), last.hashAt(seq)];
      if (there === undefined) break;
      if (here !== undefined && isSame(here, there)) return seq;
    }
    return confirmed;
  }

  /** The newest is from another machine: ours, if any of it may be there unconfirmed, is looked for. */
  async #findOwn({ sequence }: LoadedMessage): Promise<void> {
    const { bus, identity } = this.#deps;
    const { fleetId, stream, subject } = this.#options;
    const store = this.#store;
    let newest: LastBatch | undefined;
    const { behindSince } = store;
    const since = behindSince === undefined ? undefined : behindSince - LIMITS.clockSkewMs;
    const look = (message: HistoryMessage): void => {
      const found = message.sequence > sequence ? undefined : readLast(message.data, fleetId, identity);
      if (found !== undefined && isSame(found.chain, store.head.chain)) newest = found;
    };
    await bus.read(stream, subject, look, { since });
    if (newest !== undefined) await this.#compare(newest);
  }

  async #fork(reason: string, last: LastBatch): Promise<void> {
    const carried = await this.#store.fork(reason, last);
    this.#credentialSent = undefined;
    this.#deps.log.error(
      { reason, carried },
      'the bus knows of another history of this audit trail than this disk: it goes on in a new chain, and `fleet audit verify` tells of it',
    );
    await this.#seal();
  }

  #schedule(): void {
    if (this.#options.isTimed !== true || this.#timer !== undefined || this.#isClosed) return;
    const waitMs = this.#isAway ? this.#retryMs : LIMITS.auditFlushMs;
    this.#timer = setTimeout(() => void this.#flushSoon(), waitMs + Math.random() * LIMITS.auditFlushJitterMs).unref();
  }

  async #flushSoon(): Promise<void> {
    const { log } = this.#deps;
    try {
      await this.flush();
      if (this.#isAway) log.info('the audit trail is stored again');
      this.#isAway = false;
      this.#retryMs = LIMITS.auditRetryMs;
    } catch (error) {
      if (!this.#isAway)
        log.warn({ err: error }, 'the audit trail could not be stored: it is kept here, and tried again');
      this.#retryMs = this.#isAway ? Math.min(2 * this.#retryMs, LIMITS.auditRetryMaxMs) : LIMITS.auditRetryMs;
      this.#isAway = true;
    }
    this.#timer = undefined;
    if (this.#store.isBehind || this.#lost > 0) this.#schedule();
  }
}
