/**
 * Makes a node of keys that were made elsewhere: a credential over them and an entry on the roster, in the issuer's name.
 * What it gets is made anew each time it asks; the credential is made once.
 */
import { ProtocolError } from '../../shared/errors.ts';
import { assertWithinLimits } from '../../shared/trust.ts';
import { issueCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import type { SignerIdentity } from '../../shared/wire/envelope.ts';
import type { JoinGrant } from '../../shared/wire/join-answer.ts';
import type { JoiningKeys } from '../../shared/wire/join-request.ts';
import { NODE_LIFE_MS } from '../setup/node-life.ts';
import { randomSerial } from '../setup/serial.ts';
import type { EnrollStore, LoadedNode } from './enroll-store.ts';

export interface AdmitDependencies {
  readonly fleetId: string;
  readonly issuer: SignerIdentity;
  readonly store: EnrollStore;
  readonly logins: BusLogins;
  readonly grant: Pick<JoinGrant, 'servers' | 'jsDomain' | 'tls'>;
}

/** Lets keys into the bus, as those that the issuer may let in: nodes, and holders of a token. */
export interface BusLogins {
  /** @param notAfter milliseconds since the epoch, like `expires` below */
  node(name: string, login: string, notAfter: number): Promise<string>;
  join(token: string, login: string, expires: number): Promise<string>;
}

export interface Admission {
  readonly name: string;
  readonly keys: JoiningKeys;
  readonly trusted: CredentialBody['trusted'];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A node of that name that was retired. */
  readonly replaces?: LoadedNode | undefined;
}

/**
 * @throws TransportError `store-conflict` when the name is somebody else's by now
 * @throws ProtocolError `beyond-issuer`
 */
export async function admitNode(admission: Admission, dependencies: AdmitDependencies): Promise<Credential> {
  const { name, keys, trusted, now, replaces } = admission;
  const { fleetId, issuer, store } = dependencies;
  const { body: by } = issuer.credential;
  const lifeMs = Math.min(NODE_LIFE_MS, by.limits.lifetimeMs ?? Infinity);
  const credential = await issueCredential(fleetId, issuer, {
    serial: randomSerial(),
    kind: 'node',
    name,
    sign: keys.sign,
    box: keys.box,
    login: keys.login,
    roles: [],
    limits: {},
    trusted: { ...trusted },
    notBefore: now,
    notAfter: Math.min(now + lifeMs, by.notAfter),
  });
  assertWithinLimits(by, credential.body);
  if (now >= by.notAfter)
    throw new ProtocolError(`the credential of the issuer ${by.name} has expired`, { code: 'credential-expired' });
  await store.writeNode(credential, now, replaces);
  return credential;
}

/** All that a node needs beside its keys. */
export async function grantNode(
  credential: Credential,
  login: string,
  dependencies: AdmitDependencies,
): Promise<JoinGrant> {
  const { name, notAfter } = credential.body;
  const loginJwt = await dependencies.logins.node(name, login, notAfter);
  return { credential: credential.bytes, loginJwt, ...dependencies.grant };
}
