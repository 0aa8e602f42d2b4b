/**
 * Takes nodes out of the fleet, and back in: on the roster, and in the register, from which the bus hears whose login has
 * ended (push-accounts.ts, afterwards). Keys and credential stay as they are: nothing is revoked by it. Run again, it
 * finishes what an interrupted run has begun.
 */
import type { Clock } from '../../shared/clock.ts';
import { FleetError, ProtocolError, UsageError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { standingOf } from '../../shared/revocations.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { assertWithinLimits, TrustStore } from '../../shared/trust.ts';
import { parseCredential, type Credential } from '../../shared/wire/credential.ts';
import { open, parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import { openServiceAudit, type ServiceAudit } from '../audit/service-audit.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock, type LockOptions } from './hold-lock.ts';
import { toIssued, type Issued } from './register.ts';
import { revocationEntries } from './revocation-entries.ts';
import { storeRosterState, type RosterDependencies } from './roster-state.ts';

export interface RetireOptions extends Omit<LockOptions, 'what'> {
  readonly nodes: readonly string[];
  /** Puts them back. @default false */
  readonly undo?: boolean | undefined;
  readonly reason?: string | undefined;
  readonly clock: Clock;
  /** What of the audit trail couldn't be stored. */
  readonly onProblem?: ((line: string) => void) | undefined;
}

export interface RetiredNode {
  readonly node: string;
  readonly state: RosterEntry['state'];
  readonly serial: string;
  /** Whether this run made it so. */
  readonly changed: boolean;
  /** Whether there is a login for the bus to refuse: entries of old fleets don't say. */
  readonly hasLogin: boolean;
}

interface Found {
  readonly entry: RosterEntry;
  readonly credential: Credential;
}

/**
 * @throws UsageError `unknown-node`, `needs-new-keys`: nothing is changed then
 * @throws SettingsError TransportError
 */
export function retireNodes(home: FleetHome, options: RetireOptions): Promise<RetiredNode[]> {
  home.assertExists();
  const { clock, onProblem, undo = false } = options;
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const issuer = readIdentity(home.issuer);
    const bus = await connectIssuer(home);
    try {
      const issued = undo && (await home.read()).issued;
      const found = findNodes(options.nodes, await readRoster({ bus, issuer, clock }, issued));
      const audit = openServiceAudit(
        { folder: home.audit, identity: issuer },
        { bus, clock, ...(onProblem === undefined ? {} : { onProblem }) },
      );
      const done: RetiredNode[] = [];
      for (const one of found) done.push(await move(one, options, { home, audit, bus, issuer, clock }));
      await audit.idle();
      return done;
    } finally {
      await bus.close();
    }
  });
}

/** The login first ends, and comes back last: who is on the roster can log in. */
async function move(
  { credential, entry }: Found,
  { clock, reason, undo = false }: RetireOptions,
  { audit, home, ...roster }: RosterDependencies & { readonly audit: ServiceAudit; readonly home: FleetHome },
): Promise<RetiredNode> {
  const { login = '', serial } = credential.body;
  const state = undo ? 'joined' : 'retired';
  const { node } = entry;
  const details = {
    kind: 'node',
    name: node,
    serial,
    ...(undo ? { undo } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
  const changed = entry.state !== state;
  if (changed) await audit.write({ event: 'retire', details });
  const mark = (): Promise<void> => markLogin(home, credential, undo ? undefined : { retired: clock.now(), reason });
  if (!undo) await mark();
  if (changed) await storeRosterState(entry, state, { ...roster });
  if (undo) await mark();
  const known = (await home.read()).issued.some((one) => one.serial === serial && one.login !== '');
  return { node, state, serial, changed, hasLogin: login !== '' || known };
}

/** In the register, which a node that joined by itself gets into by it. */
async function markLogin(
  home: FleetHome,
  credential: Credential,
  ending: { readonly retired: number; readonly reason: string | undefined } | undefined,
): Promise<void> {
  const file = await home.read();
  const { serial } = credential.body;
  const known = file.issued.find((one) => one.serial === serial);
  if (known === undefined && ending === undefined) return;
  const own = known ?? toIssued(credential, credential.body.login ?? '');
  const all = known === undefined ? [...file.issued, own] : file.issued;
  const issued = all.map((one): Issued => {
    if (one.kind !== 'node' || (one.serial !== serial && (own.login === '' || one.login !== own.login))) return one;
    const { retired, reason, ...others } = one;
    if (ending !== undefined)
      return {
        ...one,
        retired: retired ?? ending.retired,
        ...(ending.reason === undefined ? {} : { reason: ending.reason }),
      };
    // Of what is good again, no reason is left; of what was revoked meanwhile, it is.
    return one.revoked === undefined ? others : { ...others, ...(reason === undefined ? {} : { reason }) };
  });
  await home.write({ ...file, issued });
}

type Roster = ReadonlyMap<string, Found | FleetError>;

/**
 * By name. Whoever is to go may be anybody's; who comes back has to be this fleet's, by an issuer and a credential that
 * hold: then `issued` says what was revoked.
 */
async function readRoster(
  { bus, clock, issuer }: RosterDependencies,
  issued: readonly Issued[] | false,
): Promise<Roster> {
  const subjects = new Subjects(issuer.fleet);
  const trust = issued === false ? undefined : trustOf(issuer, issued, clock);
  const roster = new Map<string, Found | FleetError>();
  for (const { data, subject } of await bus.loadAll(inventoryStream(issuer.fleet), subjects.rosters())) {
    const found = readEntry(new Uint8Array(data), trust);
    if (found !== undefined && found.entry.subject === subject) roster.set(found.entry.node, found.problem ?? found);
  }
  return roster;
}

function trustOf(issuer: Identity, issued: readonly Issued[], clock: Clock): TrustStore {
  const trust = new TrustStore(issuer, { clock });
  trust.revocations.add(revocationEntries(issued, [], clock.now()), standingOf(issuer.credential), clock.now());
  return trust;
}

function readEntry(data: Uint8Array, trust: TrustStore | undefined): (Found & { problem?: FleetError }) | undefined {
  try {
    const entry = decodeRosterEntry(parseEnvelope(data)[1]);
    const credential = parseCredential(entry.credential);
    if (credential.body.kind !== 'node' || credential.body.name !== entry.node) return undefined;
    try {
      if (trust !== undefined) assertHolds(data, credential, trust);
      return { entry, credential };
    } catch (problem) {
      if (!(problem instanceof FleetError)) throw problem;
      return { entry, credential, problem };
    }
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

function assertHolds(data: Uint8Array, credential: Credential, trust: TrustStore): void {
  const signer = open('roster', trust.fleetId, data, trust).signers[0].credential.body;
  if (signer.kind !== 'issuer')
    throw new ProtocolError(`its entry was signed by the ${signer.kind} ${signer.name}, not by an issuer`, {
      code: 'not-an-issuer',
    });
  assertWithinLimits(signer, credential.body);
  trust.verify(credential);
}

function findNodes(names: readonly string[], roster: Roster): Found[] {
  return [...new Set(names)].map((name) => {
    const found = roster.get(name);
    if (found === undefined) {
      const nearest = nearestNames(name, [...roster.keys()]);
      throw new UsageError(`there is no node ${name} in this fleet`, {
        code: 'unknown-node',
        hint: nearest.length > 0 ? `Did you mean ${nearest.join(' or ')}?` : '`fleet inventory` lists the nodes.',
      });
    }
    if (!(found instanceof FleetError)) return found;
    throw new UsageError(`${name} can't come back as it was: ${found.message}`, {
      code: 'needs-new-keys',
      hint: `Give it new keys: fleet ca renew node ${name}`,
      cause: found,
    });
  });
}
