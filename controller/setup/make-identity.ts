/** Makes an identity: three key pairs, a credential over two of them, and the file that holds all of it. */
import { renameSync, rmSync } from 'node:fs';
import { writeIdentity } from '../../shared/identity.ts';
import { createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import type { Signer } from '../../shared/signing.ts';
import { issueCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import { issueLogin, type LoginRole } from './bus-accounts.ts';
import type { LoginIssuer } from './bus-keys.ts';
import { randomSerial } from './serial.ts';

export interface IdentityIssuer {
  readonly fleet: string;
  readonly fleetId: string;
  readonly roots: readonly Uint8Array[];
  readonly signer: Signer;
  /** Absent for the root. */
  readonly credential?: Credential;
}

/**
 * Replaces the file at `path`, if there is one, at once and whole. Returns the public key of its login.
 * @param logins whose keys make the login of such an identity
 */
export async function makeIdentity(
  path: string,
  issuer: IdentityIssuer,
  logins: LoginIssuer,
  body: Omit<CredentialBody, 'serial' | 'sign' | 'box' | 'issuer' | 'login'>,
  /** Public half of a signing key that is held elsewhere, by an ssh-agent. @default a new one is made */
  signKey?: Uint8Array,
): Promise<{ credential: Credential; login: string }> {
  const sign = signKey === undefined ? createSignKeys() : { publicKey: signKey, secret: undefined };
  const [box, login] = [createBoxKeys(), createLoginKeys()];
  const { signer, credential: by } = issuer;
  const credential = await issueCredential(
    issuer.fleetId,
    { signer, ...(by === undefined ? {} : { credential: by }) },
    { ...body, serial: randomSerial(), sign: sign.publicKey, box: box.publicKey, login: login.publicKey },
  );
  const { kind, name, notAfter, roles } = body;
  const loginJwt = await issueLogin(logins, { role: loginRole(kind, roles), name, login: login.publicKey, notAfter });
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  const keys = { signSeed: sign.secret, boxSecret: box.secret, loginSeed: login.seed, loginJwt };
  writeIdentity(aside, issuer.fleet, issuer.roots, credential, keys, issuer.fleetId);
  renameSync(aside, path);
  return { credential, login: login.publicKey };
}

/** What the bus permits an identity follows from its kind, and for who keeps the policy from its role. */
export function loginRole(kind: CredentialBody['kind'], roles: readonly string[]): LoginRole {
  if (kind === 'node' || kind === 'issuer' || kind === 'join' || kind === 'service') return kind;
  return roles.includes('admin') ? 'admin' : 'operator';
}
