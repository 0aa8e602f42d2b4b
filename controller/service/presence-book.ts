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
  /** Counts what was told of it: an answer to an older question doesn't count. */
  told: number;
}

export class PresenceBook {
  readonly #entries = new Map<string, Entry>();

  /** Undefined where nothing is known. */
  of(login: string): Whereabouts | undefined {
    return this.#entries.get(login)?.whereabouts;
  }

  connected({ at, connection, login }: BusLogin): void {
    const entry = this.#entry(login);
    entry.told++;
    entry.connections.add(connection);
    be(entry, true, at, true);
  }

  /** @returns `doubtful` where it may be there by a connection from before anybody listened: ask it */
  disconnected({ at, connection, login }: BusLogin): 'sure' | 'doubtful' {
    const entry = this.#entry(login);
    entry.told++;
    const wasKnown = entry.connections.delete(connection);
    if (entry.connections.size > 0) return 'sure';
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
    // A server that died has told of none of its connections that they ended.
    if (!isThere) entry.connections.clear();
    be(entry, isThere, at, false);
  }

  /** Those that aren't anybody's any more. */
  keepOnly(isKnown: (login: string) => boolean): void {
    for (const login of this.#entries.keys()) if (!isKnown(login)) this.#entries.delete(login);
  }

  #entry(login: string): Entry {
    const known = this.#entries.get(login);
    if (known !== undefined) return known;
    const entry: Entry = { connections: new Set(), whereabouts: undefined, told: 0 };
    this.#entries.set(login, entry);
    return entry;
  }
}

/** Since when is said once: being there still changes nothing. */
function be(entry: Entry, isThere: boolean, since: number, isExact: boolean): void {
  if (entry.whereabouts?.isThere !== isThere) entry.whereabouts = { isThere, since, isExact };
}
