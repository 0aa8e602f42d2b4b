/**
 * Who is connected and since when, by the key of each login: what the bus's servers say of logins, and what nodes answered
 * when they were asked, put together. Pure: events go in, and what to believe comes out.
 */
import type { BusLogin } from '../../shared/wire/bus-login.ts';

export interface Whereabouts {
  readonly isThere: boolean;
  /** By the clock of the bus where it is exact, in milliseconds since the epoch. */
  readonly since: number;
  /** False where it was found so, and may have been for longer. */
  readonly isExact: boolean;
}

interface Entry {
  /** Those that the bus told of; it may have others, from before anybody listened. */
  readonly connections: Set<string>;
  whereabouts: Whereabouts | undefined;
  /** It may be otherwise than it is believed to be. */
  isDoubtful: boolean;
  /** Counts what was told of it: an answer to an older question doesn't count. */
  told: number;
}

export class PresenceBook {
  readonly #entries = new Map<string, Entry>();
  /** Servers that may have died since somebody asked for the doubtful. */
  readonly #suspects = new Set<string>();

  /** Undefined where nothing is known. */
  of(login: string): Whereabouts | undefined {
    return this.#entries.get(login)?.whereabouts;
  }

  connected({ at, connection, login }: BusLogin): void {
    const entry = this.#entry(login);
    entry.told++;
    // An agent has one connection: the end of the one before was told to nobody. A server that died tells of none.
    const isThere = entry.whereabouts?.isThere === true;
    if (isThere && entry.connections.size === 0) this.#suspects.add(UNKNOWN_SERVER);
    for (const other of entry.connections)
      if (serverOf(other) !== serverOf(connection)) this.#suspects.add(serverOf(other));
    entry.connections.add(connection);
    entry.isDoubtful = entry.connections.size > 1;
    be(entry, true, at, true);
  }

  /** Those that may be elsewhere than they are believed to be, until they are asked. */
  doubtful(): string[] {
    const doubtful: string[] = [];
    for (const [login, entry] of this.#entries) {
      if (entry.whereabouts?.isThere === true && this.#mayHaveGone(entry)) entry.isDoubtful = true;
      if (entry.isDoubtful) doubtful.push(login);
    }
    this.#suspects.clear();
    return doubtful;
  }

  /** @returns `doubtful` where it may be there by a connection from before anybody listened: ask it */
  disconnected({ at, connection, login }: BusLogin): 'sure' | 'doubtful' {
    const entry = this.#entry(login);
    entry.told++;
    const wasKnown = entry.connections.delete(connection);
    // The end of the others may have been told to nobody.
    if (entry.connections.size > 0) return 'doubtful';
    entry.isDoubtful = !wasKnown;
    be(entry, false, at, true);
    return wasKnown ? 'sure' : 'doubtful';
  }

  /** To be handed to `answered` with what the login said. */
  asking(login: string): number {
    return this.#entries.get(login)?.told ?? 0;
  }

  /**
   * What came of a question.
   * @param asked what `asking` gave before it went out: what the bus said meanwhile is newer, and counts instead
   * @param at now; by the clock of this machine
   */
  answered(login: string, isThere: boolean, asked: number, at: number): void {
    const entry = this.#entry(login);
    if (entry.told !== asked) return;
    entry.isDoubtful = false;
    // A server that died has told of none of its connections that they ended.
    if (!isThere) entry.connections.clear();
    be(entry, isThere, at, false);
  }

  /** Those that aren't anybody's any more. */
  keepOnly(isKnown: (login: string) => boolean): void {
    for (const login of this.#entries.keys()) if (!isKnown(login)) this.#entries.delete(login);
  }

  /** With a server that died; of whom it isn't known at which it is, that is any. */
  #mayHaveGone({ connections }: Entry): boolean {
    if (connections.size === 0) return this.#suspects.size > 0;
    return [...connections].every((connection) => this.#suspects.has(serverOf(connection)));
  }

  #entry(login: string): Entry {
    const known = this.#entries.get(login);
    if (known !== undefined) return known;
    const entry: Entry = { connections: new Set(), whereabouts: undefined, isDoubtful: false, told: 0 };
    this.#entries.set(login, entry);
    return entry;
  }
}

const UNKNOWN_SERVER = '';
/** `server/client` */
const serverOf = (connection: string): string => connection.slice(0, connection.lastIndexOf('/'));

/** Since when is said once: being there still changes nothing. */
function be(entry: Entry, isThere: boolean, since: number, isExact: boolean): void {
  if (entry.whereabouts?.isThere !== isThere) entry.whereabouts = { isThere, since, isExact };
}
