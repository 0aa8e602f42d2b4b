/**
 * Brings nodes onto the roster, in the issuer's name: one `fleet ca` at a time, and so that a second run finishes what
 * an interrupted one has begun. Makes the stream that keeps the roster when it isn't there.
 */
import type { Bus } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { fleetStreams, inventoryStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { TrustStore } from '../../shared/trust.ts';
import { parseCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import { open } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import { storeFirstPolicy } from './first-policy.ts';
import { busTls, type FleetHome } from './fleet-home.ts';
import { holdLock } from './hold-lock.ts';
import { issueNode, nameTaken, renewNode, resumeNode, type IssuedNode } from './issue-node.ts';
import { nextRevision } from './next-revision.ts';
import { findIssued, toIssued } from './register.ts';
import { storeChain } from './roots-chain.ts';

export interface EnrollOptions {
  readonly names: readonly string[];
  /** Facts that nobody but the issuer sets. @default when renewing, those that the node has */
  readonly trusted?: CredentialBody['trusted'] | undefined;
  /** New keys for nodes that there are; the old ones can't log in any more. */
  readonly renew: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly onWait?: (line: string) => unknown;
  readonly signal?: AbortSignal;
}

interface Enrolled {
  readonly revision: number;
  readonly state: RosterEntry['state'];
  readonly credential: Credential;
}

/** @throws UsageError SettingsError TransportError: no node is made where one can't be, or where the bus isn't there */
export function enrollNodes(home: FleetHome, options: EnrollOptions): Promise<IssuedNode[]> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const bus = await connectIssuer(home);
    try {
      const enrolled = new Map<string, Enrolled | undefined>();
      for (const name of options.names) enrolled.set(name, await readEnrolled(home, bus, name));
      await assertPossible(home, options, enrolled);
      const issued: IssuedNode[] = [];
      for (const [name, before] of enrolled) issued.push(await makeNode(home, options, name, before));
      await publishRoster(bus, issued);
      return issued;
    } finally {
      await bus.close();
    }
  });
}

async function assertPossible(
  home: FleetHome,
  { renew }: EnrollOptions,
  enrolled: ReadonlyMap<string, Enrolled | undefined>,
): Promise<void> {
  const { issued } = await home.read();
  for (const [name, before] of enrolled) {
    if (renew && before === undefined)
      throw new UsageError(`there is no node ${name} in this fleet`, {
        code: 'no-such-node',
        hint: `Make it: fleet ca issue node ${name}`,
      });
    // Issued and not on the roster: an earlier run was interrupted. On it and not issued here: it joined by itself.
    const known = findIssued(issued, 'node', name);
    if (!renew && before !== undefined && (before.state === 'joined' || (known !== undefined && !known.retired)))
      throw nameTaken(home, name);
  }
}

async function makeNode(
  home: FleetHome,
  { now, renew, trusted }: EnrollOptions,
  name: string,
  before: Enrolled | undefined,
): Promise<IssuedNode> {
  const revision = nextRevision(now, before?.revision);
  if (renew) {
    if (before !== undefined) await keepRegistered(home, before.credential, now);
    return renewNode(home, { name, now, revision, trusted: trusted ?? before?.credential.body.trusted ?? {} });
  }
  const options = { name, now, revision, trusted: trusted ?? {} };
  const { issued } = await home.read();
  const known = findIssued(issued, 'node', name);
  if (known === undefined) return issueNode(home, options);
  // Who was retired gets keys of its own: the bus refuses the old ones.
  if (known.retired !== undefined) return issueNode(home, { ...options, again: true });
  return (await resumeNode(home, options)) ?? (await issueNode(home, { ...options, again: true }));
}

/** Who joined by a token isn't in the register: without that, nothing would take the old keys back. */
async function keepRegistered(home: FleetHome, credential: Credential, now: number): Promise<void> {
  const { issued } = await home.read();
  const { login = '', serial } = credential.body;
  if (!issued.some((one) => one.serial === serial)) await home.register(toIssued(credential, login), now);
}

/** What the roster says of the node. @throws ProtocolError when its entry isn't this fleet's issuer's */
async function readEnrolled(home: FleetHome, bus: Bus, name: string): Promise<Enrolled | undefined> {
  const { fleet, fleetId, roots } = readIdentity(home.issuer);
  const stored = await bus.load(inventoryStream(fleet), new Subjects(fleet).roster(name));
  if (stored === undefined) return undefined;
  const trust = new TrustStore({ fleetId, roots }, { clock: systemClock });
  const { revision, state, credential } = decodeRosterEntry(open('roster', fleetId, stored.data, trust).payload);
  return { revision, state, credential: parseCredential(credential) };
}

/** Connects as the issuer, to a bus with streams and a policy. @throws TransportError */
export async function connectIssuer(home: FleetHome): Promise<Bus> {
  const file = await home.read();
  const { servers, fleet, jsDomain, replicas } = file;
  const issuer = readIdentity(home.issuer);
  const bus = await connectBus({
    servers,
    name: issuer.name,
    loginSeed: issuer.loginSeed,
    loginJwt: issuer.loginJwt,
    patient: false,
    tls: busTls(home, file),
    jsDomain,
  });
  try {
    for (const settings of fleetStreams(fleet, replicas)) await bus.ensureStream(settings);
    await storeChain(home, bus, issuer);
    await storeFirstPolicy(home, bus);
    return bus;
  } catch (error) {
    await bus.close();
    throw error;
  }
}

export async function publishRoster(bus: Bus, nodes: readonly IssuedNode[]): Promise<void> {
  await Promise.all(nodes.map(({ roster }) => bus.store(roster.subject, roster.data)));
}
