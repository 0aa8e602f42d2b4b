/**
 * Tokens, requests and the roster as the enrolment service reads and writes them: signed by the issuer, each entry naming
 * its own subject, and written only where nobody else has written since it was read. Nothing is kept here: several
 * services share one fleet.
 */
import type { Bus, LoadedMessage, StoredMessage } from '../../shared/bus.ts';
import { FleetError, ProtocolError, TransportError } from '../../shared/errors.ts';
import { enrollStream, inventoryStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { assertWithinLimits, type TrustStore } from '../../shared/trust.ts';
import { parseCredential, type Credential } from '../../shared/wire/credential.ts';
import {
  decodeRequestEntry,
  decodeTokenEntry,
  encodeEnrollEntry,
  type RequestEntry,
  type TokenEntry,
} from '../../shared/wire/enroll-entry.ts';
import { open, seal, type SignerIdentity } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry, encodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import type { MessageKind } from '../../shared/wire/signed-bytes.ts';
import { nextRevision } from '../setup/next-revision.ts';

/** An entry, and the number under which it's replaced. */
export interface Loaded<T> {
  readonly entry: T;
  readonly sequence: number;
}

export interface LoadedNode extends Loaded<RosterEntry> {
  readonly credential: Credential;
}

export interface EnrollStoreDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly issuer: SignerIdentity;
}

/** Between writing and storing somebody else was faster: read again, decide again. */
export const isConflict = (error: unknown): boolean => error instanceof FleetError && error.code === 'store-conflict';

/** Records that are read and verified before others get their turn: a long list must not hold up who joins. */
const READ_AT_ONCE = 50;

export class EnrollStore {
  readonly #deps: EnrollStoreDependencies;
  readonly #stream: string;
  /** Revision of each token as it was seen last: who has the server could put back an entry with more uses left. */
  readonly #tokens = new Map<string, number>();

  constructor(dependencies: EnrollStoreDependencies) {
    this.#deps = dependencies;
    this.#stream = enrollStream(dependencies.fleet);
  }

  async token(id: string): Promise<Loaded<TokenEntry> | undefined> {
    const loaded = await this.#deps.bus.load(this.#stream, this.#deps.subjects.enrollToken(id));
    return loaded && { entry: readable(loaded, () => this.#newestToken(loaded)), sequence: loaded.sequence };
  }

  async request(fingerprint: string): Promise<Loaded<RequestEntry> | undefined> {
    const loaded = await this.#deps.bus.load(this.#stream, this.#deps.subjects.enrollRequest(fingerprint));
    return loaded && { entry: readable(loaded, () => this.#openRequest(loaded)), sequence: loaded.sequence };
  }

  /** All of them, in the order of their ids; entries that don't hold are left out and told. */
  async tokens(onProblem: (why: string) => void): Promise<TokenEntry[]> {
    const filter = this.#deps.subjects.enrollTokens();
    const entries = await this.#all(filter, (stored) => this.#openToken(stored), onProblem);
    return entries.sort((a, b) => (a.token < b.token ? -1 : 1));
  }

  async requests(onProblem: (why: string) => void): Promise<RequestEntry[]> {
    const filter = this.#deps.subjects.enrollRequests();
    const entries = await this.#all(filter, (stored) => this.#openRequest(stored), onProblem);
    return entries.sort((a, b) => (a.request < b.request ? -1 : 1));
  }

  /** @throws ProtocolError where the roster has something under that name that isn't an entry of this fleet. */
  async node(name: string): Promise<LoadedNode | undefined> {
    const { bus, fleet, subjects } = this.#deps;
    const loaded = await bus.load(inventoryStream(fleet), subjects.roster(name));
    if (loaded === undefined) return undefined;
    return readable(loaded, () => {
      const { payload, by } = this.#open('roster', loaded);
      const entry = decodeRosterEntry(payload);
      assertSubject(loaded, entry.subject, subjects.roster(entry.node));
      const credential = parseCredential(entry.credential);
      assertWithinLimits(by, credential.body);
      return { entry, credential, sequence: loaded.sequence };
    });
  }

  /** @param replaces what it was made from; absent where there was nothing. @throws TransportError `store-conflict` */
  async writeToken(
    entry: Omit<TokenEntry, 'subject' | 'revision'>,
    replaces?: Loaded<TokenEntry>,
  ): Promise<TokenEntry> {
    const subject = this.#deps.subjects.enrollToken(entry.token);
    const written = { ...entry, subject, revision: (replaces?.entry.revision ?? 0) + 1 };
    await this.#write('enroll-admin', subject, encodeEnrollEntry(written), replaces);
    this.#tokens.set(entry.token, written.revision);
    return written;
  }

  /** @throws TransportError `store-conflict` */
  async writeRequest(
    entry: Omit<RequestEntry, 'subject' | 'revision'>,
    replaces?: Loaded<RequestEntry>,
  ): Promise<RequestEntry> {
    const subject = this.#deps.subjects.enrollRequest(entry.request);
    const written = { ...entry, subject, revision: (replaces?.entry.revision ?? 0) + 1 };
    await this.#write('enroll-admin', subject, encodeEnrollEntry(written), replaces);
    return written;
  }

  /** Puts a node on the roster. @throws TransportError `store-conflict`: somebody else has its name by now */
  async writeNode(credential: Credential, now: number, replaces?: LoadedNode): Promise<void> {
    const { name } = credential.body;
    const subject = this.#deps.subjects.roster(name);
    const revision = nextRevision(now, replaces?.entry.revision);
    const entry = encodeRosterEntry({ subject, revision, node: name, state: 'joined', credential: credential.bytes });
    await this.#write('roster', subject, entry, replaces);
  }

  async #write(kind: MessageKind, subject: string, payload: Uint8Array, replaces?: Loaded<unknown>): Promise<void> {
    const { bus, issuer, trust } = this.#deps;
    const data = await seal(kind, trust.fleetId, issuer, payload, { inlineCredential: true });
    await bus.store(subject, data, { expectedSequence: replaces?.sequence ?? 0 });
  }

  async #all<T>(filter: string, read: (stored: StoredMessage) => T, onProblem: (why: string) => void): Promise<T[]> {
    const entries: T[] = [];
    for (const [index, stored] of (await this.#deps.bus.loadAll(this.#stream, filter)).entries()) {
      if (index % READ_AT_ONCE === READ_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
      try {
        entries.push(read(stored));
      } catch (error) {
        if (!(error instanceof FleetError)) throw error;
        onProblem(`${stored.subject}: ${error.message}`);
      }
    }
    return entries;
  }

  #newestToken(stored: StoredMessage): TokenEntry {
    const entry = this.#openToken(stored);
    const known = this.#tokens.get(entry.token) ?? 0;
    if (entry.revision < known)
      // Not refused but not answered: a copy of a clustered server may only be late, and it's asked again.
      throw new TransportError(`the bus gave revision ${entry.revision} of the token ${entry.token} after ${known}`, {
        code: 'older-revision',
      });
    this.#tokens.set(entry.token, entry.revision);
    return entry;
  }

  #openToken(stored: StoredMessage): TokenEntry {
    const entry = decodeTokenEntry(this.#open('enroll-admin', stored).payload);
    assertSubject(stored, entry.subject, this.#deps.subjects.enrollToken(entry.token));
    return entry;
  }

  #openRequest(stored: StoredMessage): RequestEntry {
    const entry = decodeRequestEntry(this.#open('enroll-admin', stored).payload);
    assertSubject(stored, entry.subject, this.#deps.subjects.enrollRequest(entry.request));
    return entry;
  }

  #open(kind: MessageKind, stored: LoadedMessage | StoredMessage) {
    const { trust } = this.#deps;
    const { payload, signers } = open(kind, trust.fleetId, stored.data, trust);
    const by = signers[0].credential.body;
    if (by.kind !== 'issuer')
      throw new ProtocolError(`signed by the ${by.kind} ${by.name}, not by an issuer`, { code: 'not-an-issuer' });
    return { payload, by };
  }
}

/** What is wrong with something stored isn't wrong with who asks for it. @throws ProtocolError `entry-unusable` */
function readable<T>({ subject }: StoredMessage, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new ProtocolError(`the entry ${subject} does not hold: ${cause.message}`, { code: 'entry-unusable', cause });
  }
}

function assertSubject(stored: StoredMessage, named: string, made: string): void {
  if (named !== stored.subject || made !== stored.subject)
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
}
