/** Makes an identity: three key pairs, a credential over two of them, and the file that holds all of it. */
import { renameSync, rmSync } from 'node:fs';
import { writeIdentity } from '../../shared/identity.ts';
import { createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import type { Signer } from '../../shared/signing.ts';
import { issueCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import { randomSerial } from './serial.ts';

export interface IdentityIssuer {
  readonly fleet: string;
  readonly fleetId: string;
  readonly roots: readonly Uint8Array[];
  readonly signer: Signer;
  /** Absent for the root. */
  readonly credential?: Credential;
}

/** Replaces the file at `path`, if there is one, at once and whole. Returns the public key of its login. */
export async function makeIdentity(
  path: string,
  issuer: IdentityIssuer,
  body: Omit<CredentialBody, 'serial' | 'sign' | 'box' | 'issuer'>,
): Promise<{ credential: Credential; login: string }> {
  const [sign, box, login] = [createSignKeys(), createBoxKeys(), createLoginKeys()];
  const { signer, credential: by } = issuer;
  const credential = await issueCredential(
    issuer.fleetId,
    { signer, ...(by === undefined ? {} : { credential: by }) },
    { ...body, serial: randomSerial(), sign: sign.publicKey, box: box.publicKey },
  );
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  writeIdentity(aside, issuer.fleet, issuer.roots, credential, {
    signSeed: sign.secret,
    boxSecret: box.secret,
    loginSeed: login.seed,
  });
  renameSync(aside, path);
  return { credential, login: login.publicKey };
}
