/**
 * Roster and inventory in memory, followed as they change, for a service. It believes what a command line would that reads
 * them at the same moment: signatures are looked at when an entry comes, and whether their keys still hold at every use.
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { Bus, StoredMessage } from '../../shared/bus.ts';
import { FleetError, ProtocolError, TransportError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { toHex } from '../../shared/signing.ts';
import { inventoryStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import {
  decodeInventoryBody,
  decodeInventoryHead,
  type InventoryBody,
  type InventoryHead,
} from '../../shared/wire/inventory.ts';
import { readInventoryEntry, readRosterEntry, type RosterNode } from '../directory.ts';
import { FollowedSubjects } from './followed-subjects.ts';
import type { LiveControl } from './live-control.ts';
import type { PartHealth, ServicePart } from './part.ts';

export interface LiveDirectoryDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly control: Pick<LiveControl, 'onChange'>;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
}

/** What a node says of itself. */
interface Said<T> {
  readonly entry: T;
  /** Hash of the credential that it was said under, hex. */
  readonly by: string;
}

interface OnRoster {
  readonly node: RosterNode;
  readonly stored: StoredMessage;
  /** Hashes of the credentials that what it says may be said under, hex. */
  readonly credentials: ReadonlySet<string>;
}

/** Signatures that are verified before others have their turn. */
const AT_ONCE = 32;

export class LiveDirectory implements ServicePart {
  readonly name = 'directory';
  readonly #deps: LiveDirectoryDependencies;
  readonly #entries = new Map<string, OnRoster>();
  readonly #roster = new Map<string, RosterNode>();
  readonly #byLogin = new Map<string, string>();
  readonly #heads = new Map<string, Said<InventoryHead>>();
  readonly #bodies = new Map<string, Said<InventoryBody>>();
  /** By subject: whose it is. */
  readonly #names = new Map<string, string>();
  readonly #revisions = new Map<string, number>();
  /** By subject: what didn't hold, and why. Who signed it may be believed a moment later. */
  readonly #failed = new Map<string, { readonly why: string; readonly again: () => void }>();
  readonly #followed: readonly FollowedSubjects[];
  readonly #abort = new AbortController();
  #isComplete = false;
  #rounds = 0;

  constructor(dependencies: LiveDirectoryDependencies) {
    this.#deps = dependencies;
    const { bus, control, fleet, subjects } = dependencies;
    const follow = (filter: string, onMessage: (message: StoredMessage) => void): FollowedSubjects => {
      const onGone = (subject: string): void => this.#forget(subject);
      return new FollowedSubjects({ stream: inventoryStream(fleet), filter, onMessage, onGone }, { bus });
    };
    this.#followed = [
      follow(subjects.rosters(), (message) => this.#onRoster(message)),
      follow(subjects.inventoryHeads(), (message) => this.#onHead(message)),
      follow(subjects.inventoryBodies(), (message) => this.#onBody(message)),
    ];
    bus.onEvent(({ type }) => {
      if (type === 'disconnected') this.#isComplete = false;
      if (type === 'reconnected') void this.#readAgain();
    });
    control.onChange(() => void this.#checkAgain());
  }

  /** Who belongs to the fleet, by name. Their credentials are looked at anew at every use. */
  get roster(): ReadonlyMap<string, RosterNode> {
    return this.#roster;
  }

  /** What nodes say of themselves, as far as it counts now. */
  readonly inventory: Pick<ReadonlyMap<string, InventoryBody>, 'get'> = {
    get: (name) => this.#counting(name, this.#bodies),
  };

  /** The short of it. */
  readonly heads: Pick<ReadonlyMap<string, InventoryHead>, 'get'> = {
    get: (name) => this.#counting(name, this.#heads),
  };

  /** Number in the inventory stream of the newest roster entry that was seen. */
  get rosterSequence(): number {
    return this.#followed[0]?.newest ?? 0;
  }

  /** The same of what nodes say of their facts. */
  get factsSequence(): number {
    return this.#followed[2]?.newest ?? 0;
  }

  /** Whether all that the bus had when it was read is here. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** How many entries don't hold. */
  get problems(): number {
    return this.#failed.size;
  }

  /** The roster entry of a node as it is stored: whoever gets it verifies it for himself. */
  envelopeOf(name: string): Uint8Array | undefined {
    return this.#entries.get(name)?.stored.data;
  }

  /** Whose login that is at the bus. */
  nodeOfLogin(login: string): string | undefined {
    return this.#byLogin.get(login);
  }

  /** @throws TransportError */
  async start(): Promise<void> {
    const round = ++this.#rounds;
    for (const one of this.#followed) await one.read();
    if (round === this.#rounds) this.#isComplete = true;
  }

  health(): PartHealth {
    if (!this.#isComplete) return { ok: false, detail: 'being read' };
    if (this.#failed.size === 0) return { ok: true };
    return { ok: true, detail: `${this.#failed.size} entries do not hold and are left out: the log names them` };
  }

  stop(): Promise<void> {
    this.#abort.abort();
    this.#rounds++;
    for (const one of this.#followed) one.close();
    return Promise.resolve();
  }

  async #readAgain(): Promise<void> {
    const { signal } = this.#abort;
    let round: number;
    do {
      round = this.#rounds + 1;
      try {
        return await this.start();
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        this.#deps.log.warn({ code: error.code, why: error.message }, 'roster and inventory could not be read again');
      }
      await delay(LIMITS.resubscribeWaitMs, undefined, { signal }).catch(() => undefined);
      // Another connection begins another reading.
    } while (!signal.aborted && round === this.#rounds);
  }

  /** Others are believed now than before: what counts by their word is looked at anew. */
  async #checkAgain(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const [index, { stored }] of entries.entries()) {
      // It may have been replaced meanwhile.
      const name = this.#names.get(stored.subject);
      if (name !== undefined && this.#entries.get(name)?.stored === stored) this.#onRoster(stored);
      if (index % AT_ONCE === AT_ONCE - 1) await turn();
    }
    const failed = [...this.#failed.values()];
    for (const { again } of failed) again();
  }

  #counting<T>(name: string, said: ReadonlyMap<string, Said<T>>): T | undefined {
    const one = said.get(name);
    const known = this.#entries.get(name);
    if (one === undefined || known === undefined || !known.credentials.has(one.by)) return undefined;
    return known.node.credential === undefined ? undefined : one.entry;
  }

  #onRoster(stored: StoredMessage): void {
    const { subject } = stored;
    const { subjects, trust } = this.#deps;
    let node: RosterNode;
    try {
      node = readRosterEntry(stored, { revisions: this.#revisions, subjects, trust }, false);
    } catch (error) {
      return this.#fail(subject, error, () => this.#onRoster(stored));
    }
    this.#failed.delete(subject);
    this.#leave(subject);
    const { earlier = [], login, name } = node;
    // Asking for it makes what it signs known.
    const { credential } = node;
    const credentials = new Set(
      [...(credential === undefined ? [] : [credential.credential.hash]), ...earlier].map(toHex),
    );
    this.#names.set(subject, name);
    this.#roster.set(name, node);
    this.#entries.set(name, { node, stored, credentials });
    if (login !== undefined) this.#byLogin.set(login, name);
    for (const own of [subjects.inventoryHead(name), subjects.inventoryBody(name)]) this.#failed.get(own)?.again();
  }

  #onHead(stored: StoredMessage): void {
    const subjectOf = (node: string): string => this.#deps.subjects.inventoryHead(node);
    this.#onSaid(stored, this.#heads, decodeInventoryHead, subjectOf);
  }

  #onBody(stored: StoredMessage): void {
    const subjectOf = (node: string): string => this.#deps.subjects.inventoryBody(node);
    this.#onSaid(stored, this.#bodies, decodeInventoryBody, subjectOf);
  }

  #onSaid<T extends { node: string; subject: string; revision: number }>(
    stored: StoredMessage,
    said: Map<string, Said<T>>,
    decode: (payload: Uint8Array) => T,
    subjectOf: (node: string) => string,
  ): void {
    const { subject } = stored;
    try {
      const dependencies = { revisions: this.#revisions, trust: this.#deps.trust };
      const { entry, signer } = readInventoryEntry(stored, dependencies, decode, subjectOf);
      this.#failed.delete(subject);
      this.#names.set(subject, entry.node);
      said.set(entry.node, { entry, by: toHex(signer.credential.hash) });
    } catch (error) {
      this.#fail(subject, error, () => this.#onSaid(stored, said, decode, subjectOf));
    }
  }

  /** What was there before counts no more either: it was replaced. */
  #fail(subject: string, error: unknown, again: () => void): void {
    if (!(error instanceof FleetError)) throw error;
    const isOlder = error instanceof ProtocolError && error.code === 'older-revision';
    if (!isOlder) this.#forget(subject);
    if (this.#failed.get(subject)?.why !== error.message)
      this.#deps.log.warn({ subject, code: error.code, why: error.message }, 'an entry does not hold and is left out');
    this.#failed.set(subject, { why: error.message, again });
  }

  #forget(subject: string): void {
    this.#failed.delete(subject);
    this.#leave(subject);
  }

  #leave(subject: string): void {
    const name = this.#names.get(subject);
    if (name === undefined) return;
    this.#names.delete(subject);
    const { subjects } = this.#deps;
    if (subject === subjects.inventoryHead(name)) this.#heads.delete(name);
    if (subject === subjects.inventoryBody(name)) this.#bodies.delete(name);
    if (subject !== subjects.roster(name)) return;
    const login = this.#roster.get(name)?.login;
    if (login !== undefined && this.#byLogin.get(login) === name) this.#byLogin.delete(login);
    this.#roster.delete(name);
    this.#entries.delete(name);
  }
}
