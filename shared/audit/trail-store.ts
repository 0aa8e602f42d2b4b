/**
 * A trail on the disk: the chain that goes on, its files, what of it is signed, and what of it the bus has. Knows nothing
 * of the bus; audit-log.ts puts both together. One process at a time has it open: whoever opens it sees to that.
 */
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { hashRecord, type AuditEvent } from '../wire/audit.ts';
import { AuditChain, newChain, type ChainedRecord, type ChainHead } from './chain.ts';
import { readTrail, removeTrail, TrailFile, trailPath } from './trail-files.ts';
import {
  eventsAfter,
  isSame,
  lastSeq,
  readRecord,
  recordsOfTrail,
  type PastEvent,
  type SealedBatch,
  type TrailEnd,
  type TrailRecords,
} from './trail-records.ts';
import { recoverTrail } from './trail-recovery.ts';
import { TrailWriter } from './trail-writer.ts';

export interface TrailStoreOptions {
  readonly folder: string;
  /** Who writes: stands in every record. */
  readonly who: string;
  /** @default LIMITS.auditFileBytes */
  readonly fileBytes?: number | undefined;
  /** @default LIMITS.auditKeptBytes */
  readonly keptBytes?: number | undefined;
}

/** The record that a new chain follows, as far as the bus knows. */
export type ChainLink = { readonly hash: Uint8Array; readonly at: number | undefined } | undefined;

export class TrailStore {
  /** Whether an earlier process left records without a signature here: it may have signed and stored them all the same. */
  readonly isUnsealedLeft: boolean;
  readonly #options: TrailStoreOptions;
  readonly #deps: { clock: Clock; log: Logger };
  #files: TrailFile[];
  #writer: TrailWriter;
  #chain: AuditChain;
  #confirmed: number;
  /** Not signed yet, oldest first. */
  #unsealed: ChainedRecord[];
  /** Signed and not with the bus yet, oldest first; not all of them where `#isQueueWhole` is false. */
  #queue: SealedBatch[];
  #isQueueWhole: boolean;
  #queueBytes = 0;

  private constructor(
    options: TrailStoreOptions,
    dependencies: { clock: Clock; log: Logger },
    opened: { files: TrailFile[]; writer: TrailWriter; head: ChainHead; records?: TrailEnd },
  ) {
    this.#options = options;
    this.#deps = dependencies;
    this.#files = opened.files;
    this.#writer = opened.writer;
    this.#chain = new AuditChain(opened.head, { who: options.who, clock: dependencies.clock });
    const { records } = opened;
    this.#confirmed = records?.confirmed ?? 0;
    this.#unsealed = [...(records?.unsealed ?? [])];
    this.isUnsealedLeft = this.#unsealed.length > 0;
    this.#queue = (records?.sealed ?? []).filter(({ batch }) => lastSeq(batch) > this.#confirmed);
    this.#isQueueWhole = records === undefined || records.confirmed >= records.head.first - 1;
  }

  /**
   * Goes on where the last one ended; where nothing can be gone on with, begins a chain, and says why in its first record.
   * @param findLink the last record that the bus has of this writer; asked only for a new chain
   */
  static async open(
    options: TrailStoreOptions,
    dependencies: { clock: Clock; log: Logger },
    findLink: () => Promise<ChainLink>,
  ): Promise<TrailStore> {
    const { carried, files, last, reason } = await recoverTrail(options.folder, dependencies.log);
    if (last !== undefined) {
      const { file, records } = last;
      const writer = await TrailWriter.open(file.path, file.bytes);
      return new TrailStore(options, dependencies, { files, writer, head: records.end, records });
    }
    const head = newChain(await findLink());
    const number = (files.at(-1)?.number ?? 0) + 1;
    const path = trailPath(options.folder, number);
    const writer = await TrailWriter.open(path, 0);
    const store = new TrailStore(options, dependencies, { files, writer, head });
    store.#beginFile(path, number);
    store.#beginChain(reason, carried);
    return store;
  }

  get head(): ChainHead {
    return this.#chain.head;
  }

  /** `seq` of the last record of this chain that the bus has. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Whether there is anything that the bus doesn't have. */
  get isBehind(): boolean {
    return this.head.seq > this.#confirmed;
  }

  /** Whether there are signed batches that the bus may not have. */
  get hasSealed(): boolean {
    return this.#queue.length > 0 || !this.#isQueueWhole;
  }

  /** When the oldest record was written that the bus may not have; undefined where that isn't known. */
  get behindSince(): number | undefined {
    const [first] = this.#queue;
    if (!this.#isQueueWhole || this.head.seq === this.#confirmed) return undefined;
    return first === undefined ? this.#unsealed[0]?.at : readRecord(first.records[0] ?? new Uint8Array())?.at;
  }

  /** Records that are not signed yet. */
  get unsealed(): readonly ChainedRecord[] {
    return this.#unsealed;
  }

  /** Why nothing more can be written down; undefined while it can. */
  get full(): string | undefined {
    if (this.#writer.waitingBytes > LIMITS.auditWaitingBytes) return 'the disk takes no more audit records';
    const { keptBytes = LIMITS.auditKeptBytes } = this.#options;
    const bytes = this.#bytes();
    if (bytes <= keptBytes || bytes - this.#prunable().reduce((sum, file) => sum + file.bytes, 0) <= keptBytes)
      return undefined;
    return 'the audit trail has grown as large as it may, and the bus has none of it';
  }

  /** Cheap: nothing is waited for. */
  append(event: AuditEvent, at?: number): void {
    const record = this.#chain.append(event, at);
    this.#unsealed.push(record);
    this.#writer.append({ kind: 'record', bytes: record.bytes });
  }

  /** All that was appended is on the disk. Throws what the file system throws. */
  written(options: { durable: boolean }): Promise<void> {
    return this.#writer.written(options);
  }

  /** The first unsigned records were signed. Resolves when that would survive the end of the process. */
  async sealed(sealed: SealedBatch): Promise<void> {
    this.#unsealed.splice(0, sealed.records.length);
    this.#writer.append({ kind: 'batch', envelope: sealed.envelope });
    if (lastSeq(sealed.batch) > this.#confirmed) {
      this.#queue.push(sealed);
      this.#queueBytes += bytesOf(sealed);
    }
    if (this.#queueBytes > LIMITS.auditWaitingBytes) this.#dropQueue();
    const { fileBytes = LIMITS.auditFileBytes } = this.#options;
    if (this.#unsealed.length === 0 && this.#writer.bytes > fileBytes) this.#rotate();
    await this.written({ durable: false });
  }

  /** Signed batches after this record, oldest first: from memory, or from the files. */
  async *batchesAfter(seq: number): AsyncGenerator<SealedBatch> {
    let next = seq + 1;
    for (;;) {
      const [first] = this.#queue;
      if (this.#isQueueWhole || (first !== undefined && first.batch.first <= next)) {
        const found = this.#queue.find(({ batch }) => batch.first >= next);
        if (found === undefined) return;
        yield found;
        next = lastSeq(found.batch) + 1;
        continue;
      }
      const before = next;
      for (const file of this.#filesWith(next))
        for (const sealed of (await this.#read(file))?.sealed ?? []) {
          if (sealed.batch.first < next) continue;
          yield sealed;
          next = lastSeq(sealed.batch) + 1;
        }
      // What was signed meanwhile is in a file, too; nothing new there is the end.
      if (next === before) return;
    }
  }

  /** The hash of a record of this chain; undefined where it isn't kept any more. */
  async hashAt(seq: number): Promise<Uint8Array | undefined> {
    if (seq === this.head.seq) return this.head.hash;
    const unsealed = this.#unsealed.find((record) => record.seq === seq);
    if (unsealed !== undefined) return unsealed.hash;
    const isIn = ({ batch }: SealedBatch): boolean => batch.first <= seq && seq <= lastSeq(batch);
    let found = this.#queue.find(isIn);
    for (const file of found === undefined ? this.#filesWith(seq) : [])
      found ??= (await this.#read(file))?.sealed.find(isIn);
    const record = found?.records[seq - found.batch.first];
    return record === undefined ? undefined : hashRecord(record);
  }

  /** The bus has the records up to this one, and no others. Also goes back: a bus may have lost some. */
  confirm(seq: number): void {
    if (seq === this.#confirmed) return;
    if (seq < this.#confirmed) this.#dropQueue();
    this.#confirmed = seq;
    while (this.#queue[0] !== undefined && lastSeq(this.#queue[0].batch) <= seq) {
      const [gone] = this.#queue.splice(0, 1);
      this.#queueBytes -= gone === undefined ? 0 : bytesOf(gone);
    }
    this.#isQueueWhole ||= this.#queue.length === 0 && this.#lastSealed() <= seq;
    this.#writer.append({ kind: 'confirmed', seq }, false);
  }

  /** First record that is still here. */
  get oldest(): number {
    return this.#files.find(({ head }) => this.#isOfThisChain(head))?.head?.first ?? 1;
  }

  /** What the bus has is of another history: what it doesn't have goes on in a new chain, which follows that. */
  async fork(reason: string, link: ChainLink): Promise<number> {
    const past: PastEvent[] = [];
    for await (const { records } of this.batchesAfter(this.#confirmed))
      past.push(...eventsAfter(this.#confirmed, records));
    past.push(
      ...eventsAfter(
        this.#confirmed,
        this.#unsealed.map(({ bytes }) => bytes),
      ),
    );
    this.#chain = new AuditChain(newChain(link), { who: this.#options.who, clock: this.#deps.clock });
    this.#unsealed = [];
    this.#queue = [];
    this.#queueBytes = 0;
    this.#isQueueWhole = true;
    this.#confirmed = 0;
    this.#rotate();
    this.#beginChain(reason, past);
    return past.length;
  }

  /** Makes room: the oldest files go first, and only those that the bus has. */
  async prune(): Promise<void> {
    const { keptBytes = LIMITS.auditKeptBytes } = this.#options;
    for (const oldest of this.#prunable()) {
      if (this.#bytes() <= keptBytes) return;
      await removeTrail(oldest.path);
      this.#files.shift();
    }
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #bytes(): number {
    return this.#files.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0) + this.#writer.bytes;
  }

  /** The oldest files, as far as the bus has what is in them, or it was carried over into this chain. */
  #prunable(): TrailFile[] {
    const isDone = ({ head }: TrailFile, at: number): boolean =>
      !this.#isOfThisChain(head) || (this.#files[at + 1]?.head?.first ?? Infinity) - 1 <= this.#confirmed;
    const needed = this.#files.findIndex((file, at) => !isDone(file, at));
    return this.#files.slice(0, needed);
  }

  #lastSealed(): number {
    return (this.#unsealed[0]?.seq ?? this.head.seq + 1) - 1;
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#queueBytes = 0;
    this.#isQueueWhole = false;
  }

  #isOfThisChain(head: TrailFile['head']): boolean {
    return head !== undefined && isSame(head.chain, this.head.chain);
  }

  /** Files of this chain that may have this record or later ones. */
  #filesWith(seq: number): TrailFile[] {
    const files = this.#files.filter(({ head }) => this.#isOfThisChain(head));
    return files.filter((_file, index) => (files[index + 1]?.head?.first ?? Infinity) > seq);
  }

  async #read(file: TrailFile): Promise<TrailRecords | undefined> {
    await this.written({ durable: false });
    const records = recordsOfTrail((await readTrail(file.path)).lines);
    if (records === undefined)
      this.#deps.log.error({ file: file.path }, 'a file of the audit trail was changed or damaged: it is left out');
    return records;
  }

  #rotate(): void {
    const current = this.#files.at(-1);
    if (current !== undefined) current.bytes = this.#writer.bytes;
    const number = (current?.number ?? 0) + 1;
    const path = trailPath(this.#options.folder, number);
    this.#writer.goOnIn(path);
    this.#beginFile(path, number);
  }

  #beginFile(path: string, number: number): void {
    const { chain, seq, hash, at } = this.head;
    const head = {
      version: 1 as const,
      chain,
      first: seq + 1,
      prev: hash,
      ...(at === undefined ? {} : { prevAt: at }),
      confirmed: this.#confirmed,
    };
    this.#files.push(new TrailFile(path, number, 0, head));
    this.#writer.append({ kind: 'head', head });
  }

  #beginChain(reason: string, carried: readonly PastEvent[]): void {
    this.append({
      event: 'chain-begun',
      details: { reason, ...(carried.length === 0 ? {} : { carried: carried.length }) },
    });
    for (const { event, at } of carried) this.append(event, at);
  }
}

const bytesOf = ({ envelope, records }: SealedBatch): number =>
  records.reduce((sum, { length }) => sum + length, envelope.length);
