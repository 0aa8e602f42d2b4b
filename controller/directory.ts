/**
 * What the bus keeps about the fleet: the roster says who belongs to it, the inventory what they say of themselves. Both
 * are read with their signatures; an entry that doesn't hold is left out and told.
 */
import type { Bus, StoredMessage } from '../shared/bus.ts';
import { FleetError, ProtocolError } from '../shared/errors.ts';
import { inventoryStream } from '../shared/streams.ts';
import { type Subjects } from '../shared/subjects.ts';
import { assertWithinLimits, type TrustStore, type VerifiedCredential } from '../shared/trust.ts';
import { parseCredential, type Credential } from '../shared/wire/credential.ts';
import { open } from '../shared/wire/envelope.ts';
import {
  decodeInventoryBody,
  decodeInventoryHead,
  type InventoryBody,
  type InventoryHead,
} from '../shared/wire/inventory.ts';
import { decodeRosterEntry, type RosterEntry } from '../shared/wire/roster.ts';
import { readPaths } from './volatile-paths.ts';

export interface RosterNode {
  readonly name: string;
  readonly state: 'joined' | 'retired';
  /** Facts fixed at enrolment. */
  readonly trusted: Readonly<Record<string, unknown>>;
  /** Absent when its credential doesn't hold any more; `problem` says why. */
  readonly credential?: VerifiedCredential | undefined;
  readonly problem?: string | undefined;
  /** Its credential as it was issued, whether it holds or not: what was signed with it may be old. */
  readonly issued?: Uint8Array | undefined;
  /** Hashes of the credentials that its keys had before. */
  readonly earlier?: readonly Uint8Array[] | undefined;
  /** Public key of its login at the bus, where its credential names it. */
  readonly login?: string | undefined;
}

export interface Directory {
  readonly roster: ReadonlyMap<string, RosterNode>;
  /** Entries that were left out, each with its reason. */
  readonly problems: readonly string[];
}

export interface DirectoryDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  /** The highest revision seen under each subject, kept by the caller: a bus that gives an older one again is not believed. */
  readonly revisions?: Map<string, number>;
  /** When roots and revocations hold in `trust`: entries are looked into after it. @default at once */
  readonly trusted?: Promise<unknown>;
}

export async function readRoster(dependencies: DirectoryDependencies): Promise<Directory> {
  const { bus, fleet, subjects } = dependencies;
  const roster = new Map<string, RosterNode>();
  const problems: string[] = [];
  const [entries] = await Promise.all([
    loadEntries(bus, inventoryStream(fleet), subjects.rosters()),
    dependencies.trusted,
  ]);
  for (const stored of entries) {
    try {
      const node = readRosterEntry(stored, dependencies);
      roster.set(node.name, node);
    } catch (error) {
      problems.push(`roster entry ${stored.subject}: ${describe(error)}`);
    }
  }
  if (roster.size === 0 && problems.length === 0)
    problems.push(
      'no node has joined yet: `fleet enroll token` makes what servers join with, `fleet ca issue node NAME` makes one to copy',
    );
  return { roster, problems };
}

/** The first node that is enrolled makes the stream. */
async function loadEntries(bus: Bus, stream: string, filter: string): Promise<StoredMessage[]> {
  try {
    return await bus.loadAll(stream, filter);
  } catch (error) {
    if (error instanceof FleetError && error.code === 'no-stream') return [];
    throw error;
  }
}

/**
 * One entry of the roster. @param keeps whether its credential is looked at once, and not anew each time
 * @throws ProtocolError
 */
export function readRosterEntry(
  stored: StoredMessage,
  { revisions, subjects, trust }: Pick<DirectoryDependencies, 'revisions' | 'subjects' | 'trust'>,
  keeps = true,
): RosterNode {
  const { payload, signers } = open('roster', trust.fleetId, stored.data, trust);
  const entry = decodeRosterEntry(payload);
  const signer = signers[0].credential.body;
  if (signer.kind !== 'issuer')
    throw new ProtocolError(`signed by the ${signer.kind} ${signer.name}, not by an issuer`, { code: 'not-an-issuer' });
  if (entry.subject !== stored.subject || subjects.roster(entry.node) !== stored.subject)
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  const credential = parseCredential(entry.credential);
  const { body } = credential;
  if (body.kind !== 'node' || body.name !== entry.node)
    throw new ProtocolError('its credential is for something else', { code: 'bad-credential' });
  assertWithinLimits(signer, body);
  assertNotOlder(entry, revisions);
  return new Enrolled(entry, credential, trust, keeps);
}

/** Its credential is verified when somebody wants it: a signature for each of ten thousand nodes takes seconds. */
class Enrolled implements RosterNode {
  readonly name: string;
  readonly state: RosterNode['state'];
  readonly trusted: RosterNode['trusted'];
  readonly issued: Uint8Array;
  readonly earlier: readonly Uint8Array[];
  readonly login: string | undefined;
  readonly #keeps: boolean;
  readonly #verify: () => { credential?: VerifiedCredential; problem?: string };
  #verified: { credential?: VerifiedCredential; problem?: string } | undefined;

  constructor({ node, state, previous = [] }: RosterEntry, credential: Credential, trust: TrustStore, keeps: boolean) {
    this.name = node;
    this.state = state;
    this.trusted = credential.body.trusted;
    this.issued = credential.bytes;
    this.earlier = previous;
    this.login = credential.body.login;
    this.#keeps = keeps;
    this.#verify = () => {
      try {
        const verified = trust.verify(credential);
        trust.rememberEarlier(verified, previous);
        return { credential: verified };
      } catch (error) {
        // It still belongs to the fleet: silence about it would be a lie.
        return { problem: describe(error) };
      }
    };
  }

  get credential(): VerifiedCredential | undefined {
    return this.#now().credential;
  }

  get problem(): string | undefined {
    return this.#now().problem;
  }

  #now(): { credential?: VerifiedCredential; problem?: string } {
    return this.#keeps ? (this.#verified ??= this.#verify()) : this.#verify();
  }
}

/**
 * Bodies of all nodes that published one, by name.
 * @param roster whose signatures count; entries of those who are gone are passed over. Without it, who is in `trust` already
 */
export async function readInventory(
  dependencies: DirectoryDependencies,
  roster?: Directory['roster'],
): Promise<{ bodies: Map<string, InventoryBody>; problems: string[] }> {
  const { bus, fleet, subjects } = dependencies;
  const stored = await loadEntries(bus, inventoryStream(fleet), subjects.inventoryBodies());
  const subjectOf = (node: string): string => subjects.inventoryBody(node);
  const { entries, problems } = readEntries(stored, dependencies, decodeInventoryBody, subjectOf, roster);
  for (const { subject, volatile } of entries.values())
    if (readPaths(volatile) === undefined)
      problems.push(`inventory entry ${subject}: it names a path that is none, so its node is asked`);
  return { bodies: entries, problems };
}

/**
 * Heads of all nodes that published one, by name.
 * @param roster whose signatures count; entries of those who are gone are passed over. Without it, who is in `trust` already
 */
export async function readInventoryHeads(
  dependencies: DirectoryDependencies,
  roster?: Directory['roster'],
): Promise<{ heads: Map<string, InventoryHead>; problems: string[] }> {
  const { bus, fleet, subjects } = dependencies;
  const stored = await loadEntries(bus, inventoryStream(fleet), subjects.inventoryHeads());
  const subjectOf = (node: string): string => subjects.inventoryHead(node);
  const { entries, problems } = readEntries(stored, dependencies, decodeInventoryHead, subjectOf, roster);
  return { heads: entries, problems };
}

/** One entry of the inventory, and who signed it. @throws ProtocolError */
export function readInventoryEntry<T extends { node: string; subject: string; revision: number }>(
  { subject, data }: StoredMessage,
  { revisions, trust }: Pick<DirectoryDependencies, 'revisions' | 'trust'>,
  decode: (payload: Uint8Array) => T,
  subjectOf: (node: string) => string,
): { entry: T; signer: VerifiedCredential } {
  const { payload, signers } = open('inventory', trust.fleetId, data, trust);
  const entry = decode(payload);
  const [signer] = signers;
  const { kind, name } = signer.credential.body;
  if (kind !== 'node' || name !== entry.node || entry.subject !== subject || subjectOf(entry.node) !== subject)
    throw new ProtocolError('it is not from the node that it speaks for', { code: 'misrouted' });
  assertNotOlder(entry, revisions);
  return { entry, signer };
}

function readEntries<T extends { node: string; subject: string; revision: number }>(
  stored: readonly StoredMessage[],
  dependencies: Pick<DirectoryDependencies, 'revisions' | 'trust'>,
  decode: (payload: Uint8Array) => T,
  subjectOf: (node: string) => string,
  roster: Directory['roster'] | undefined,
): { entries: Map<string, T>; problems: string[] } {
  const entries = new Map<string, T>();
  const problems: string[] = [];
  const silenced = roster === undefined ? undefined : subjectsOfGone(roster, subjectOf);
  for (const { subject, data } of stored) {
    if (silenced?.has(subject) === true) continue;
    try {
      const { entry } = readInventoryEntry({ subject, data }, dependencies, decode, subjectOf);
      entries.set(entry.node, entry);
    } catch (error) {
      problems.push(`inventory entry ${subject}: ${describe(error)}`);
    }
  }
  return { entries, problems };
}

/** What retired nodes and those whose credential is over left behind counts for nothing, and is nobody's trouble. */
function subjectsOfGone(roster: Directory['roster'], subjectOf: (node: string) => string): ReadonlySet<string> {
  return new Set(
    [...roster.values()].flatMap(({ name, state, credential }) =>
      state === 'retired' || credential === undefined ? [subjectOf(name)] : [],
    ),
  );
}

/** Revisions only grow: an older one is a copy that somebody kept. */
function assertNotOlder(
  entry: { subject: string; revision: number },
  revisions: Map<string, number> | undefined,
): void {
  const known = revisions?.get(entry.subject) ?? 0;
  if (entry.revision < known)
    throw new ProtocolError(`revision ${entry.revision} is older than ${known}, which was here before`, {
      code: 'older-revision',
    });
  revisions?.set(entry.subject, entry.revision);
}

function describe(error: unknown): string {
  if (error instanceof FleetError) return error.message;
  throw error;
}
