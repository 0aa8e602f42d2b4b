/**
 * Which nodes are there and since when, for a service: it listens to what the bus says of their logins and to what nodes
 * say when they start and leave. It asks all of them when it begins and when it was away itself, and now and then those of
 * whom that leaves a doubt: a server that dies tells of nobody.
 */
import type { Bus, BusMessage, Subscription } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, TransportError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { readBusLogin, type BusLogin } from '../../shared/wire/bus-login.ts';
import { NODE_EVENTS, openEvent, type NodeEvent } from '../../shared/wire/event.ts';
import type { RosterNode } from '../directory.ts';
import { findAway } from '../presence.ts';
import type { SigningContext } from '../request.ts';
import type { LiveDirectory } from './live-directory.ts';
import type { PartHealth, ServicePart } from './part.ts';
import { PresenceBook, type Whereabouts } from './presence-book.ts';

export interface PresenceDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly directory: LiveDirectory;
  readonly identity: () => Identity;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
}

export type PresenceListener = (node: string, whereabouts: Whereabouts) => void;

export class Presence implements ServicePart {
  readonly name = 'presence';
  readonly #deps: PresenceDependencies;
  readonly #book = new PresenceBook();
  readonly #listeners: PresenceListener[] = [];
  /** Logins that have to be asked. */
  readonly #doubtful = new Set<string>();
  readonly #abort = new AbortController();
  #subscriptions: Subscription[] = [];
  /** Those that said so, and are asked a moment later whether they are there still. */
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  #asking: Promise<void> | undefined;
  #asksAll = false;
  #isKnown = false;
  #breaks = 0;
  #lost: (() => void) | undefined;
  #check: NodeJS.Timeout | undefined;

  constructor(dependencies: PresenceDependencies) {
    this.#deps = dependencies;
    dependencies.bus.onEvent(({ type }) => {
      if (type === 'disconnected') {
        this.#breaks++;
        this.#isKnown = false;
        this.#lost?.();
      }
      if (type === 'reconnected') this.#askAll();
    });
  }

  /** Undefined where nobody knows: it has just joined, or its credential names no login. */
  of(node: string): Whereabouts | undefined {
    const login = this.#deps.directory.roster.get(node)?.login;
    return login === undefined ? undefined : this.#book.of(login);
  }

  /** Told when a node that belongs to the fleet comes or goes, by the word of the bus. */
  onChange(listener: PresenceListener): void {
    this.#listeners.push(listener);
  }

  /** Joined nodes, by where they are. */
  count(): { readonly there: number; readonly away: number; readonly unknown: number } {
    const count = { there: 0, away: 0, unknown: 0 };
    for (const { login, state } of this.#deps.directory.roster.values()) {
      if (state !== 'joined') continue;
      const known = login === undefined ? undefined : this.#book.of(login);
      count[known === undefined ? 'unknown' : known.isThere ? 'there' : 'away']++;
    }
    return count;
  }

  async start(): Promise<void> {
    const { bus, subjects } = this.#deps;
    for (const one of this.#subscriptions.splice(0)) one.close();
    this.#subscriptions = [
      bus.subscribe(subjects.connected(), (message) => this.#hear(message, true)),
      bus.subscribe(subjects.disconnected(), (message) => this.#hear(message, false)),
      ...NODE_EVENTS.map((type) => bus.subscribe(subjects.eventsOf(type), (message) => this.#hearNode(message))),
    ];
    await bus.flush();
    clearInterval(this.#check);
    this.#check = setInterval(() => this.#askDoubtful(), LIMITS.presenceCheckMs);
    this.#askAll();
  }

  health(): PartHealth {
    return this.#isKnown ? { ok: true } : { ok: false, detail: 'the nodes are being asked' };
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#check);
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    for (const one of this.#subscriptions.splice(0)) one.close();
    await this.#asking;
  }

  #hear({ data }: BusMessage, isThere: boolean): void {
    const event = readBusLogin(data);
    // Logins of others than nodes are none of ours; a node that joins this moment is asked for when it is on the roster.
    if (event === undefined) return;
    const before = this.#book.of(event.login)?.isThere;
    if (isThere) this.#book.connected(event);
    else if (this.#book.disconnected(event) === 'doubtful') this.#ask([event.login]);
    const now = this.#book.of(event.login);
    if (now !== undefined && now.isThere !== before) this.#tell(event, now);
  }

  /** What it says proves nothing of now, so it's asked where it is not what is believed. Who leaves gets the time for it. */
  #hearNode(message: BusMessage): void {
    const { directory, subjects, trust } = this.#deps;
    let event: NodeEvent;
    try {
      event = openEvent(message, { fleetId: trust.fleetId, subjects, credentials: trust });
    } catch (error) {
      if (error instanceof FleetError) return;
      throw error;
    }
    const login = directory.roster.get(event.node)?.login;
    if (login === undefined || this.#leaving.has(login) || this.#abort.signal.aborted) return;
    const isThere = event.type === 'started';
    const ask = (): void => {
      this.#leaving.delete(login);
      if (this.#book.of(login)?.isThere !== isThere) this.#ask([login]);
    };
    if (isThere) ask();
    else this.#leaving.set(login, setTimeout(ask, LIMITS.presenceLeaveMs));
  }

  #askDoubtful(): void {
    const { roster } = this.#deps.directory;
    const unknown = [...roster.values()].flatMap(({ login, state }) =>
      state === 'joined' && login !== undefined && this.#book.of(login) === undefined ? [login] : [],
    );
    this.#ask([...this.#book.doubtful(), ...unknown]);
  }

  #tell({ login }: BusLogin, whereabouts: Whereabouts): void {
    const node = this.#deps.directory.nodeOfLogin(login);
    if (node === undefined) return;
    this.#deps.log.debug({ node }, whereabouts.isThere ? 'a node has come' : 'a node has gone');
    for (const listener of this.#listeners) listener(node, whereabouts);
  }

  #askAll(): void {
    this.#asksAll = true;
    this.#ask([]);
  }

  #ask(logins: readonly string[]): void {
    for (const login of logins) this.#doubtful.add(login);
    if (this.#abort.signal.aborted) return;
    this.#asking ??= this.#askThem().finally(() => {
      this.#asking = undefined;
    });
  }

  async #askThem(): Promise<void> {
    const { directory, log } = this.#deps;
    while ((this.#asksAll || this.#doubtful.size > 0) && !this.#abort.signal.aborted) {
      const all = this.#asksAll;
      const logins = new Set(this.#doubtful);
      this.#doubtful.clear();
      this.#asksAll = false;
      const nodes = [...directory.roster.values()].filter(
        ({ login, state }) => state === 'joined' && login !== undefined && (all || logins.has(login)),
      );
      try {
        await this.#askNodes(nodes);
        if (all) this.#isKnown = true;
        if (all) this.#book.keepOnly((login) => directory.nodeOfLogin(login) !== undefined);
      } catch (error) {
        if (!(error instanceof FleetError)) throw error;
        // The next connection asks again.
        log.info({ code: error.code, why: error.message }, 'the nodes could not be asked');
        return;
      }
    }
  }

  async #askNodes(nodes: readonly RosterNode[]): Promise<void> {
    const { bus, clock, directory, identity, subjects, trust } = this.#deps;
    const asked = new Map(nodes.map(({ login = '', name }) => [name, { login, told: this.#book.asking(login) }]));
    const signing = (): Omit<SigningContext, 'epochs'> => {
      const own = identity();
      return { fleetId: own.fleetId, identity: own, now: clock.now(), maxPayloadBytes: bus.maxPayloadBytes };
    };
    const away = await findAway(
      { nodes, roster: directory.roster, ackTimeoutMs: LIMITS.presenceAskMs, signal: this.#abort.signal },
      { bus, caller: identity().name, clock, signing, subjects, trust, watch: this.#watch() },
    );
    for (const [name, { login, told }] of asked) this.#book.answered(login, !away.has(name), told, clock.now());
  }

  /** A connection that breaks ends a question: what comes after it is asked anew. */
  #watch(): Parameters<typeof findAway>[1]['watch'] {
    const breaks = this.#breaks;
    const why = 'the connection to the bus broke';
    return {
      breaks,
      assertThere: () => {
        if (this.#breaks !== breaks) throw new TransportError(why, { code: 'bus-lost' });
      },
      onLost: (_subject, onLost) => {
        this.#lost = () => onLost(why);
        return () => {
          this.#lost = undefined;
        };
      },
    };
  }
}
