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
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import { sha256 } from '../shared/signing.ts';
import { inventoryStream, type Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { PROTOCOL_VERSION, VERSION } from '../shared/version.ts';
import { lookUp } from '../shared/where/find.ts';
import { parsePath } from '../shared/where/paths.ts';
import { open, seal, type SignerIdentity } from '../shared/wire/envelope.ts';
import { decodeInventoryHead, encodeInventory, type TaskSummary } from '../shared/wire/inventory.ts';

export interface InventoryContent {
  readonly facts: Readonly<Record<string, unknown>>;
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
    const { bus, subjects, trust, log } = this.#deps;
    const { fleet, node } = this.#options;
    try {
      const stored = await bus.load(inventoryStream(fleet), subjects.inventoryHead(node));
      if (stored === undefined) return false;
      const { payload } = open('inventory', trust.fleetId, stored.data, trust);
      const { revision } = decodeInventoryHead(payload);
      const later = revision > this.#revision;
      this.#revision = Math.max(this.#revision, revision);
      return later;
    } catch (error) {
      log.warn({ err: error }, 'the own inventory entry could not be read');
      return false;
    }
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
      const current = await content();
      const fingerprint = Buffer.from(sha256(encode(current))).toString('hex');
      if (fingerprint === this.#published) return;
      const revision = Math.max(this.#revision + 1, clock.now());
      await writeFileAtomic(this.#revisionFile, `${revision}\n`);
      this.#revision = revision;
      const body = encodeInventory({
        ...current,
        volatile: [...current.volatile],
        actions: [...current.actions],
        tasks: [...current.tasks],
        taskProblems: current.taskProblems.slice(0, LIMITS.publishedProblems),
        facts: { ...current.facts },
        subject: subjects.inventoryBody(node),
        revision,
        node,
      });
      const head = encodeInventory({
        subject: subjects.inventoryHead(node),
        revision,
        node,
        protocol: [PROTOCOL_VERSION],
        agent: VERSION,
        indexed: this.#indexedOf(current.facts),
        facts: sha256(body),
        schemas: sha256(encode([current.actions, current.tasks])),
      });
      const sign = (payload: Uint8Array): Promise<Uint8Array> =>
        seal('inventory', trust.fleetId, identity, payload, { inlineCredential: false });
      await bus.store(subjects.inventoryBody(node), await sign(body));
      await bus.store(subjects.inventoryHead(node), await sign(head));
      this.#published = fingerprint;
      log.debug({ revision }, 'inventory published');
    } catch (error) {
      log.warn({ err: error }, 'the inventory could not be published; trying again');
      if (!this.#stopped) this.#retry = setTimeout(() => void this.update(), LIMITS.inventoryRetryMs).unref();
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
