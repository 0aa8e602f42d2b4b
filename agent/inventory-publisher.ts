/**
 * Keeps the node's entry in the inventory current: body first, then the head that names it by hash. Revisions only
 * grow, over restarts too; a bus that knows a higher one than this node is proof that the node's memory was rolled back.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { encode } from '../shared/codec.ts';
import { FleetError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import { sha256 } from '../shared/signing.ts';
import { inventoryStream } from '../shared/streams.ts';
import { type Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { PROTOCOL_VERSION, VERSION } from '../shared/version.ts';
import { lookUp } from '../shared/where/find.ts';
import { parsePath } from '../shared/where/paths.ts';
import { open, seal, type SignerIdentity } from '../shared/wire/envelope.ts';
import {
  decodeInventoryHead,
  encodeInventory,
  type InventoryHead,
  type TaskSummary,
} from '../shared/wire/inventory.ts';
import { fitContent } from './inventory-size.ts';

export interface InventoryContent {
  readonly facts: Readonly<Record<string, unknown>>;
  /** Canonical paths of the facts for whose texts the node hears commands by now. */
  readonly indexed: readonly string[];
  readonly volatile: readonly string[];
  readonly actions: readonly string[];
  readonly tasks: readonly TaskSummary[];
  readonly taskProblems: readonly { readonly source: string; readonly reason: string }[];
}

export interface InventoryPublisherOptions {
  readonly fleet: string;
  readonly node: string;
  readonly stateDir: string;
  readonly indexed: readonly string[];
}

export interface InventoryPublisherDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly identity: SignerIdentity;
  readonly trust: TrustStore;
  /** What there is to publish, right now. */
  readonly content: () => Promise<InventoryContent>;
}

export class InventoryPublisher {
  readonly #options: InventoryPublisherOptions;
  readonly #deps: InventoryPublisherDependencies;
  readonly #revisionFile: string;
  #revision = 0;
  #published = '';
  #publishing: Promise<void> | undefined;
  #again = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number = LIMITS.inventoryRetryMs;
  /** Whether the bus may have lost the entry, and has to be asked. */
  #isDoubtful = false;
  #stopped = false;

  constructor(options: InventoryPublisherOptions, dependencies: InventoryPublisherDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#revisionFile = join(options.stateDir, 'revision');
  }

  /** Reads the last revision from disk and from the bus; true when the bus knows a later one than this node. */
  async wasRolledBack(): Promise<boolean> {
    const text = await readFile(this.#revisionFile, 'utf8').catch(() => '');
    this.#revision = /^\d{1,16}\n?$/.test(text) ? Number(text) : 0;
    try {
      const revision = await this.#storedRevision();
      if (revision === undefined) return false;
      const later = revision > this.#revision;
      this.#revision = Math.max(this.#revision, revision);
      return later;
    } catch (error) {
      this.#deps.log.warn(describe(error), 'the own inventory entry could not be read');
      return false;
    }
  }

  /** The same after a new connection: a bus that lost its storage, or got an old one back, is given the entry again. */
  verify(): Promise<void> {
    this.#isDoubtful = true;
    return this.update();
  }

  /** Publishes all of it anew: its credential is another one. */
  renew(): Promise<void> {
    this.#published = '';
    return this.update();
  }

  /** Publishes what has changed; calls while one is under way are one call after it. Never throws. */
  update(): Promise<void> {
    if (this.#publishing !== undefined) {
      this.#again = true;
      return this.#publishing;
    }
    this.#publishing = this.#publish().finally(() => {
      this.#publishing = undefined;
      if (!this.#again || this.#stopped) return;
      this.#again = false;
      void this.update();
    });
    return this.#publishing;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  async #publish(): Promise<void> {
    clearTimeout(this.#retry);
    const { bus, clock, content, identity, log, subjects, trust } = this.#deps;
    const { node } = this.#options;
    try {
      if (this.#isDoubtful) await this.#compare();
      const mostBytes = Math.min(LIMITS.inventoryMessageBytes, bus.maxPayloadBytes) - LIMITS.inventoryEnvelopeBytes;
      const all = await content();
      const taskProblems = all.taskProblems.slice(0, LIMITS.publishedProblems);
      const current = fitContent({ ...all, taskProblems }, mostBytes);
      const fingerprint = Buffer.from(sha256(encode(current))).toString('hex');
      if (fingerprint === this.#published) return;
      const revision = Math.max(this.#revision + 1, clock.now());
      await writeFileAtomic(this.#revisionFile, `${revision}\n`);
      this.#revision = revision;
      const body = encodeInventory({
        ...current,
        indexed: [...current.indexed],
        volatile: [...current.volatile],
        actions: [...current.actions],
        tasks: [...current.tasks],
        taskProblems: [...current.taskProblems],
        facts: { ...current.facts },
        subject: subjects.inventoryBody(node),
        revision,
        node,
      });
      const sign = (payload: Uint8Array): Promise<Uint8Array> =>
        seal('inventory', trust.fleetId, identity, payload, { inlineCredential: false });
      const head = await this.#sealHead(sign, {
        subject: subjects.inventoryHead(node),
        revision,
        node,
        protocol: [PROTOCOL_VERSION],
        agent: VERSION,
        indexed: this.#indexedOf(current.facts),
        facts: sha256(body),
        schemas: sha256(encode([current.actions, current.tasks])),
      });
      await bus.store(subjects.inventoryBody(node), await sign(body));
      await bus.store(subjects.inventoryHead(node), head);
      this.#retryMs = LIMITS.inventoryRetryMs;
      this.#published = fingerprint;
      log.debug({ revision }, 'inventory published');
    } catch (error) {
      log.warn(describe(error), 'the inventory could not be published; trying again');
      if (this.#stopped) return;
      this.#retry = setTimeout(() => void this.update(), this.#retryMs).unref();
      this.#retryMs = Math.min(2 * this.#retryMs, LIMITS.inventoryRetryMaxMs);
    }
  }

  /** Whether the bus still has what was published; where it hasn't, it's published again. */
  async #compare(): Promise<void> {
    const revision = await this.#storedRevision();
    if (revision !== this.#revision) this.#published = '';
    if (revision !== undefined) this.#revision = Math.max(this.#revision, revision);
    this.#isDoubtful = false;
  }

  async #storedRevision(): Promise<number | undefined> {
    const { bus, subjects, trust } = this.#deps;
    const { fleet, node } = this.#options;
    const stored = await bus.load(inventoryStream(fleet), subjects.inventoryHead(node));
    if (stored === undefined) return undefined;
    const { payload } = open('inventory', trust.fleetId, stored.data, trust);
    return decodeInventoryHead(payload).revision;
  }

  /** Leaves indexed facts out, last first, until the head is as small as a head has to be; a long name has its price. */
  async #sealHead(sign: (payload: Uint8Array) => Promise<Uint8Array>, head: InventoryHead): Promise<Uint8Array> {
    const indexed = Object.entries(head.indexed);
    for (;;) {
      const sealed = await sign(encodeInventory({ ...head, indexed: Object.fromEntries(indexed) }));
      if (sealed.length <= LIMITS.inventoryHeadBytes || indexed.pop() === undefined) return sealed;
    }
  }

  /** Indexed facts that fit into the head; the text of the largest is left out first. */
  #indexedOf(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const indexed: Record<string, unknown> = {};
    for (const path of this.#options.indexed) {
      const values = lookUp(facts, parsePath(path)).map(({ value }) => value);
      if (values.length === 0) continue;
      const value = values.length === 1 ? values[0] : values;
      if (encode({ ...indexed, [path]: value }).length <= LIMITS.indexedFactsBytes) indexed[path] = value;
    }
    return indexed;
  }
}

/** What is expected needs no stack, however often it's tried. */
function describe(error: unknown): object {
  return error instanceof FleetError ? { code: error.code, reason: error.message } : { err: error };
}
