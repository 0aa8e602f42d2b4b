/**
 * The signed documents that decide for the whole fleet, as this node has them: taken live, fetched at every (re)connect,
 * kept over restarts. Until they have been fetched on a connection, no command is accepted on it. What a document means,
 * and whether its signature is good enough, is its taker's to say.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Bus, Subscription } from '../../shared/bus.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { controlStream } from '../../shared/streams.ts';
import { CONTROL_DOCUMENTS, type ControlDocumentKind, type Subjects } from '../../shared/subjects.ts';

/** What is done with documents of one kind. */
export interface ControlDocumentTaker {
  readonly kind: ControlDocumentKind;
  /**
   * Verifies a document and makes it hold here from now on. Returns its revision; one that isn't newer than what holds
   * changes nothing, and gives the revision that holds.
   * @param how.kept by this node itself, in an earlier run
   * @throws ProtocolError when it isn't what it says
   */
  take(envelope: Uint8Array, how: { readonly kept: boolean }): number;
}

export interface ControlDocumentsOptions {
  readonly fleet: string;
  /** Where accepted documents are kept. */
  readonly folder: string;
  readonly takers: readonly ControlDocumentTaker[];
}

export interface ControlDocumentsDependencies {
  readonly bus: Bus;
  readonly log: Logger;
  readonly subjects: Subjects;
}

/** Revisions that a command's caller knows: the node has to know as much. */
export interface Epochs {
  readonly policy?: number | undefined;
  readonly revoked?: number | undefined;
}

export class ControlDocuments {
  readonly #options: ControlDocumentsOptions;
  readonly #deps: ControlDocumentsDependencies;
  readonly #takers: readonly ControlDocumentTaker[];
  readonly #revisions = new Map<ControlDocumentKind, number>();
  readonly #subscriptions: Subscription[] = [];
  /** Called whenever a document was taken or fetched. */
  readonly #waiting = new Set<() => void>();
  #isCurrent = false;
  /** How often all documents have been fetched. */
  #fetches = 0;
  /** Counts connections: what was fetched on an earlier one may be old. 0 while there is none. */
  #connection = 1;
  #connections = 1;
  #stopped = false;
  #refreshing: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number = LIMITS.controlRetryMs;

  constructor(options: ControlDocumentsOptions, dependencies: ControlDocumentsDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    const rank = (kind: ControlDocumentKind): number => CONTROL_DOCUMENTS.indexOf(kind);
    this.#takers = [...options.takers].sort((a, b) => rank(a.kind) - rank(b.kind));
  }

  /** Revision of each document that holds here; 0 where there was none yet. */
  revision(kind: ControlDocumentKind): number {
    return this.#revisions.get(kind) ?? 0;
  }

  /** Takes what was kept by an earlier run. A file that doesn't hold is left out, and said: the bus has another. */
  async restore(): Promise<void> {
    for (const taker of this.#takers) {
      const envelope = await readFile(this.#file(taker.kind)).catch(() => undefined);
      if (envelope !== undefined) this.#take(taker, new Uint8Array(envelope), 'kept');
    }
  }

  /** Listens, and fetches what there is. Resolves when that was tried once; it's tried until it succeeds. */
  async start(): Promise<void> {
    const { bus, subjects } = this.#deps;
    for (const taker of this.#takers)
      this.#subscriptions.push(
        bus.subscribe(subjects.controlDocument(taker.kind), ({ data }) =>
          this.#take(taker, new Uint8Array(data), 'heard'),
        ),
      );
    bus.onEvent(({ type }) => {
      if (type !== 'disconnected' && type !== 'reconnected') return;
      this.#isCurrent = false;
      this.#connection = type === 'disconnected' ? 0 : ++this.#connections;
      if (type === 'reconnected') void this.#refresh();
    });
    // What is said between the fetch and the subscription would be missed the other way round.
    await bus.flush();
    await this.#refresh();
  }

  /** Whether this node knows at least as much as the caller, and as the bus did when it connected. */
  covers(epochs: Epochs | undefined): boolean {
    return (
      this.#isCurrent &&
      this.revision('policy') >= (epochs?.policy ?? 0) &&
      this.revision('revoked') >= (epochs?.revoked ?? 0)
    );
  }

  /** Fetches what is missing, and waits a while for it. False when it didn't come. */
  async waitFor(epochs: Epochs | undefined): Promise<boolean> {
    if (this.covers(epochs)) return true;
    if (this.#stopped) return false;
    let look: () => void = () => undefined;
    const covered = new Promise<boolean>((resolve) => (look = () => this.covers(epochs) && resolve(true)));
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), LIMITS.epochWaitMs);
    });
    this.#waiting.add(look);
    try {
      void this.#refresh();
      return await Promise.race([covered, tooLate]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  /** Asks the bus for the newest, whatever is known. @returns false where it could not be had */
  async renew(): Promise<boolean> {
    const before = this.#fetches;
    await this.#refresh();
    return this.#isCurrent && this.#fetches > before;
  }

  /** Resolves when everything that was taken is kept. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#saving;
  }

  /** One at a time; who asks meanwhile is served by it. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchAll().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #fetchAll(): Promise<void> {
    clearTimeout(this.#retry);
    const { bus, log, subjects } = this.#deps;
    const stream = controlStream(this.#options.fleet);
    const connection = this.#connection;
    try {
      const stored = await Promise.all(
        this.#takers.map(({ kind }) => bus.load(stream, subjects.controlDocument(kind))),
      );
      for (const [index, taker] of this.#takers.entries()) {
        const document = stored[index];
        if (document !== undefined) this.#take(taker, new Uint8Array(document.data), 'fetched');
        else if (this.revision(taker.kind) > 0)
          log.warn({ document: taker.kind }, 'the bus has lost a document: the one that this node has holds on');
      }
      this.#retryMs = LIMITS.controlRetryMs;
      if (connection !== this.#connection) return void (this.#connection > 0 && (await this.#fetchAll()));
      this.#isCurrent = connection > 0;
      this.#fetches++;
      this.#tell();
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      log.warn(
        { code: error.code, reason: error.message },
        'policy and revocations could not be fetched: commands are refused until they are; trying again',
      );
      if (this.#stopped) return;
      this.#retry = setTimeout(() => void this.#refresh(), this.#retryMs).unref();
      this.#retryMs = Math.min(2 * this.#retryMs, LIMITS.controlRetryMaxMs);
    }
  }

  #take(taker: ControlDocumentTaker, envelope: Uint8Array, from: 'kept' | 'fetched' | 'heard'): void {
    const { log } = this.#deps;
    const { kind } = taker;
    const before = this.revision(kind);
    try {
      const revision = taker.take(envelope, { kept: from === 'kept' });
      if (revision <= before) return;
      this.#revisions.set(kind, revision);
      log.info({ document: kind, revision, from }, 'a document of the fleet holds');
      if (from !== 'kept') this.#save(kind, envelope);
      this.#tell();
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      // Any node can have the bus deliver junk under these subjects: it must not fill the logs of others.
      const level = from === 'heard' ? 'debug' : 'warn';
      log[level](
        { document: kind, from, code: error.code, reason: error.message },
        'a document of the fleet was not taken',
      );
    }
  }

  #save(kind: ControlDocumentKind, envelope: Uint8Array): void {
    this.#saving = this.#saving
      .then(() => mkdir(this.#options.folder, { recursive: true, mode: 0o700 }))
      .then(() => writeFileAtomic(this.#file(kind), Buffer.from(envelope), { mode: 0o600 }))
      .catch((error: unknown) => {
        this.#deps.log.error(
          { document: kind, err: error },
          'a document of the fleet could not be kept: after a restart this node has to get it again',
        );
      });
  }

  #tell(): void {
    for (const look of this.#waiting) look();
  }

  #file(kind: ControlDocumentKind): string {
    return join(this.#options.folder, kind);
  }
}
