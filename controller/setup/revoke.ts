/**
 * Takes credentials back: in the register, in the list that every node hears at once, and on the roster. The bus is told
 * by push-accounts.ts, afterwards: nodes come first. Run again, it finishes what an interrupted run has begun.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { standingOf } from '../../shared/revocations.ts';
import { controlStream, inventoryStream } from '../../shared/streams.ts';
import { Subjects } from '../../shared/subjects.ts';
import { parseCredential, type Credential } from '../../shared/wire/credential.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeRosterEntry } from '../../shared/wire/roster.ts';
import { connectIssuer } from './enroll-node.ts';
import { findCredentials, readRosterOf } from './find-credentials.ts';
import type { FleetHome } from './fleet-home.ts';
import { holdLock, type LockOptions } from './hold-lock.ts';
import type { Issued } from './register.ts';
import { storeRosterState } from './roster-state.ts';
import { storeRevocations } from './store-revocations.ts';

export interface RevokeOptions extends Omit<LockOptions, 'what'> {
  /** Names or serials. */
  readonly things: readonly string[];
  readonly kind?: Issued['kind'] | undefined;
  readonly reason?: string | undefined;
  readonly clock: Clock;
}

export interface Revoked {
  readonly credentials: readonly Issued[];
  /** Of the list that says so. */
  readonly revision: number;
  /** Nodes whose credential comes from an issuer that is revoked by it, and from no other yet. */
  readonly stranded: readonly string[];
  /** Who signed the policy that holds, where that is among the revoked: new nodes won't take it. */
  readonly policySigner: string | undefined;
}

/** @throws UsageError SettingsError; TransportError where the bus isn't there: nothing is revoked then */
export function revoke(home: FleetHome, options: RevokeOptions): Promise<Revoked> {
  home.assertExists();
  const { clock } = options;
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const issuer = readIdentity(home.issuer);
    const bus = await connectIssuer(home);
    try {
      const found = await findAll(home, issuer, bus, options);
      for (const one of found) assertMayRevoke(one, issuer);
      const credentials = await markRevoked(home, found, options);
      const { issued } = await home.read();
      const stored = await storeRevocations(issued, { bus, issuer, clock });
      for (const one of credentials) if (one.kind === 'node') await retire(one, { bus, issuer, clock });
      const fallen = credentials.filter(({ kind }) => kind === 'issuer').map(({ serial }) => serial);
      const stranded = fallen.length === 0 ? [] : await nodesOf(fallen, bus, issuer);
      const policySigner = await signerOfPolicy(credentials, bus, issuer);
      return { credentials, revision: stored?.revision ?? 0, stranded, policySigner };
    } finally {
      await bus.close();
    }
  });
}

async function findAll(
  home: FleetHome,
  issuer: Identity,
  bus: Bus,
  { things, kind, clock }: RevokeOptions,
): Promise<Issued[]> {
  const { issued } = await home.read();
  const found = new Map<string, Issued>();
  for (const thing of things)
    for (const one of await findCredentials(thing, issued, (node) => readRosterOf(bus, issuer, node), {
      kind,
      now: clock.now(),
    }))
      found.set(one.serial, one);
  return [...found.values()];
}

/** Readers take the word of a later issuer alone: a list that nobody believes must not look as if it were good. */
function assertMayRevoke({ kind, name, notBefore, serial }: Issued, issuer: Identity): void {
  if (kind !== 'issuer' || standingOf(issuer.credential) > notBefore) return;
  throw new UsageError(
    serial === issuer.credential.body.serial
      ? `${name} is the issuer that signs the list of revocations, and can't revoke itself`
      : `the issuer ${name} came after the one that signs the list of revocations`,
    {
      code: 'needs-successor',
      hint: 'Make its successor first, with the root key: fleet ca rotate issuer. That one revokes it.',
    },
  );
}

async function markRevoked(
  home: FleetHome,
  found: readonly Issued[],
  { clock, reason }: RevokeOptions,
): Promise<Issued[]> {
  const file = await home.read();
  const now = clock.now();
  const marked = new Map(
    found.map((one): [string, Issued] => [
      one.serial,
      // Keys that were renewed, and now are known to be stolen, get the better reason.
      { ...one, revoked: one.revoked ?? now, ...(reason === undefined ? {} : { reason }) },
    ]),
  );
  const others = file.issued.filter(({ serial }) => !marked.has(serial));
  await home.write({ ...file, issued: [...others, ...marked.values()] });
  return [...marked.values()];
}

/** Takes a node off the roster, if it is on it with that credential: nobody waits for it any more. */
async function retire(
  { name: node, serial }: Issued,
  { bus, clock, issuer }: { bus: Bus; issuer: Identity; clock: Clock },
): Promise<void> {
  const subject = new Subjects(issuer.fleet).roster(node);
  const stored = await bus.load(inventoryStream(issuer.fleet), subject);
  if (stored === undefined) return;
  const entry = decodeRosterEntry(parseEnvelope(new Uint8Array(stored.data))[1]);
  if (entry.state === 'retired' || parseCredential(entry.credential).body.serial !== serial) return;
  await storeRosterState(entry, 'retired', { bus, issuer, clock });
}

async function signerOfPolicy(revoked: readonly Issued[], bus: Bus, { fleet }: Identity): Promise<string | undefined> {
  const stored = await bus.load(controlStream(fleet), new Subjects(fleet).controlDocument('policy'));
  if (stored === undefined) return undefined;
  const reference = parseEnvelope(new Uint8Array(stored.data))[2][0]?.[1] ?? new Uint8Array();
  const serials = new Set(revoked.map(({ serial }) => serial));
  const signer = parseCredential(reference);
  for (let link: Credential | undefined = signer; link !== undefined; link = link.issuer)
    if (serials.has(link.body.serial)) return signer.body.name;
  return undefined;
}

async function nodesOf(issuers: readonly string[], bus: Bus, { fleet }: Identity): Promise<string[]> {
  const stored = await bus.loadAll(inventoryStream(fleet), new Subjects(fleet).rosters());
  return stored.flatMap(({ data }) => {
    const [, payload] = parseEnvelope(new Uint8Array(data));
    const { credential, node, state } = decodeRosterEntry(payload);
    const from = parseCredential(credential).issuer?.body.serial;
    return state === 'joined' && from !== undefined && issuers.includes(from) ? [node] : [];
  });
}
