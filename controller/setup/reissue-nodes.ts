/**
 * New credentials for the keys that nodes have: signed by the issuer of today, put on the roster, and brought to each node
 * by the bus. A node that is away finds it when it comes back. Can be run again: who has one is passed over.
 */
import type { Bus } from '../../shared/bus.ts';
import { FleetError, ProtocolError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { TrustStore } from '../../shared/trust.ts';
import type { Clock } from '../../shared/clock.ts';
import { standingOf } from '../../shared/revocations.ts';
import { issueCredential, parseCredential, type Credential } from '../../shared/wire/credential.ts';
import { open, seal } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry, encodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import { issueLogin } from './bus-accounts.ts';
import { readBusSigning } from './bus-keys.ts';
import type { FleetHome } from './fleet-home.ts';
import { nextRevision } from './next-revision.ts';
import { NODE_LIFE_MS } from './node-life.ts';
import { addIssued, findIssued, toIssued, type Issued } from './register.ts';
import { revocationEntries } from './revocation-entries.ts';
import { randomSerial } from './serial.ts';

export interface ReissueOptions {
  /** Which ones: by their credential of today. */
  readonly isWanted: (credential: Credential) => boolean;
  /** Nodes that get none, whatever they have. @default none */
  readonly except?: ReadonlySet<string>;
  readonly clock: Clock;
}

export interface Reissued {
  readonly nodes: readonly string[];
  /** What was left as it is, each with the reason. */
  readonly problems: readonly string[];
}

/** Several at once; the bus confirms each. */
const AT_ONCE = 50;

/** Expects the lock to be held. @throws SettingsError TransportError */
export async function reissueNodes(
  home: FleetHome,
  { bus, issuer }: { bus: Bus; issuer: Identity },
  options: ReissueOptions,
): Promise<Reissued> {
  const { clock, except = new Set(), isWanted } = options;
  const { issued } = await home.read();
  const subjects = new Subjects(issuer.fleet);
  const trust = new TrustStore(issuer, { clock });
  trust.revocations.add(revocationEntries(issued, [], clock.now()), standingOf(issuer.credential), clock.now());
  const problems: string[] = [];
  const wanted: Entry[] = [];
  const retired: Entry[] = [];
  for (const { subject, data } of await bus.loadAll(inventoryStream(issuer.fleet), subjects.rosters()))
    try {
      const entry = readEntry(new Uint8Array(data), trust);
      const { node, state } = entry.roster;
      if (state === 'joined' && isWanted(entry.credential) && !except.has(node)) {
        assertKnownKeys(entry.credential, issued);
        wanted.push(entry);
      }
      if (state === 'retired' && Buffer.compare(entry.signer.hash, issuer.credential.hash) !== 0) retired.push(entry);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      problems.push(`${subject} was left as it is: ${error.message}`);
    }
  // Who is gone stays gone, also for readers that don't believe the old issuer any more.
  for (const { roster } of retired)
    await store({ ...roster, revision: nextRevision(clock.now(), roster.revision) }, { bus, issuer });
  const made: Credential[] = [];
  try {
    for (let at = 0; at < wanted.length; at += AT_ONCE) {
      const some = wanted.slice(at, at + AT_ONCE);
      made.push(...(await Promise.all(some.map((one) => reissue(one, home, { bus, issuer, subjects }, clock.now())))));
    }
  } finally {
    // Once: the file of a large fleet takes its time. What the roster has of an interrupted run counts all the same.
    await registerAll(home, made, clock.now());
  }
  return { nodes: made.map(({ body }) => body.name), problems };
}

interface Entry {
  readonly roster: RosterEntry;
  readonly credential: Credential;
  readonly signer: Credential;
}

/** What an issuer that was revoked has signed may be its thief's, an entry or a credential: neither is made good here. */
function readEntry(data: Uint8Array, trust: TrustStore): Entry {
  const { payload, signers } = open('roster', trust.fleetId, data, trust);
  const roster = decodeRosterEntry(payload);
  const credential = parseCredential(roster.credential);
  if (roster.state === 'joined') trust.verify(credential);
  return { roster, credential, signer: signers[0].credential };
}

/** Who got the issuer's key can have put keys of its own in the place of a node's. */
function assertKnownKeys(credential: Credential, issued: readonly Issued[]): void {
  const { login, name } = credential.body;
  const known = findIssued(issued, 'node', name);
  if (known === undefined) return;
  const { box, sign } = toIssued(credential, known.login);
  if (known.sign === sign && known.box === box && (login === undefined || known.login === login)) return;
  throw new ProtocolError(
    `${name} has other keys there than were issued here; \`fleet revoke ${name}\`, then give it new ones`,
    { code: 'bad-credential' },
  );
}

async function store(entry: RosterEntry, { bus, issuer }: { bus: Bus; issuer: Identity }): Promise<void> {
  const payload = encodeRosterEntry(entry);
  await bus.store(entry.subject, await seal('roster', issuer.fleetId, issuer, payload, { inlineCredential: true }));
}

async function reissue(
  { roster, credential: before }: Entry,
  home: FleetHome,
  { bus, issuer, subjects }: { bus: Bus; issuer: Identity; subjects: Subjects },
  now: number,
): Promise<Credential> {
  const { node } = roster;
  const { issuer: _, ...body } = before.body;
  const notAfter = Math.min(now + NODE_LIFE_MS, issuer.credential.body.notAfter);
  // Nodes take what doesn't begin before what they have, whatever the clocks said.
  const notBefore = Math.max(now, body.notBefore, issuer.credential.body.notBefore);
  const credential = await issueCredential(issuer.fleetId, issuer, {
    ...body,
    serial: randomSerial(),
    notBefore,
    notAfter,
  });
  const login =
    body.login === undefined
      ? undefined
      : await issueLogin(readBusSigning(home.busSigning), { role: 'node', name: node, login: body.login, notAfter });
  const previous = [before.hash, ...(roster.previous ?? [])].slice(0, LIMITS.previousCredentials);
  const entry = {
    revision: nextRevision(now, roster.revision),
    node,
    state: 'joined' as const,
    credential: credential.bytes,
    previous,
  };
  // First those who read what the node says, then the node.
  await store({ ...entry, subject: subjects.roster(node) }, { bus, issuer });
  const renewal = { ...entry, subject: subjects.renewal('node', node), ...(login === undefined ? {} : { login }) };
  await store(renewal, { bus, issuer });
  return credential;
}

async function registerAll(home: FleetHome, credentials: readonly Credential[], now: number): Promise<void> {
  const file = await home.read();
  const issued = credentials.reduce<readonly Issued[]>(
    (all, credential) => addIssued(all, toIssued(credential, credential.body.login ?? ''), now),
    file.issued,
  );
  await home.write({ ...file, issued: [...issued] });
}
