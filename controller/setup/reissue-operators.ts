/**
 * New credentials from a new root for the keys that operators have: as long as before, with the same roles and limits.
 * The bus brings them to each; those whose file is in this folder get them there, too.
 */
import { existsSync } from 'node:fs';
import type { Bus } from '../../shared/bus.ts';
import { readIdentity, updateIdentity, type Identity } from '../../shared/identity.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { Subjects } from '../../shared/subjects.ts';
import { isForKeysOf, isRenewable } from '../../shared/take-renewal.ts';
import { issueCredential, type Credential } from '../../shared/wire/credential.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRosterEntry } from '../../shared/wire/roster.ts';
import { issueLogin } from './bus-accounts.ts';
import type { BusKeys } from './bus-keys.ts';
import type { FleetHome } from './fleet-home.ts';
import { loginRole, type IdentityIssuer } from './make-identity.ts';
import { addIssued, toIssued, type Issued } from './register.ts';
import { randomSerial } from './serial.ts';

export interface ReissueOperatorsDependencies {
  readonly bus: Bus;
  /** Who brings them. */
  readonly issuer: Identity;
  readonly root: IdentityIssuer;
  readonly logins: BusKeys;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Operators and services that hold, and come from another root than that of this public key. */
export function operatorsBeyond(root: Uint8Array, issued: readonly Issued[], now: number): Issued[] {
  const own = toHex(sha256(root));
  return issued.filter(
    ({ issuer, kind, notAfter, replaced, revoked }) =>
      kind !== 'node' &&
      isRenewable(kind) &&
      issuer !== own &&
      notAfter > now &&
      replaced === undefined &&
      revoked === undefined,
  );
}

/** Names of who got one. Can be run again. Expects the lock to be held. */
export async function reissueOperators(home: FleetHome, dependencies: ReissueOperatorsDependencies): Promise<string[]> {
  const { root, now } = dependencies;
  const { issued } = await home.read();
  const names: string[] = [];
  for (const one of operatorsBeyond(root.signer.publicKey, issued, now)) {
    const { credential, login } = await reissue(one, dependencies);
    await updateFile(home.operator(one.name), root, credential, login);
    const file = await home.read();
    await home.write({ ...file, issued: addIssued(file.issued, toIssued(credential, one.login), now) });
    names.push(one.name);
  }
  return names;
}

async function reissue(
  { box, kind, limits = {}, login, name, notAfter, notBefore, roles = [], sign }: Issued,
  { bus, issuer, root, logins, now }: ReissueOperatorsDependencies,
): Promise<{ credential: Credential; login: string }> {
  const { fleet, fleetId } = issuer;
  const credential = await issueCredential(fleetId, root, {
    serial: randomSerial(),
    kind,
    name,
    sign: new Uint8Array(Buffer.from(sign, 'base64')),
    box: new Uint8Array(Buffer.from(box, 'base64')),
    login,
    roles,
    limits,
    trusted: {},
    notBefore: Math.max(now, notBefore),
    notAfter,
  });
  const loginJwt = await issueLogin(logins, { role: loginRole(kind, roles), name, login, notAfter });
  const subject = new Subjects(fleet).renewal(kind === 'service' ? 'service' : 'operator', name);
  const entry = encodeRosterEntry({
    subject,
    revision: now,
    node: name,
    state: 'joined',
    credential: credential.bytes,
    login: loginJwt,
  });
  await bus.store(subject, await seal('roster', fleetId, issuer, entry, { inlineCredential: true }));
  return { credential, login: loginJwt };
}

async function updateFile(path: string, root: IdentityIssuer, credential: Credential, loginJwt: string): Promise<void> {
  if (!existsSync(path)) return;
  const { credential: own } = readIdentity(path);
  if (!isForKeysOf(own, credential)) return;
  await updateIdentity(path, { fleetId: root.fleetId, roots: root.roots, credential, loginJwt });
}
