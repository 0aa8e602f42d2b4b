/** Another credential for the operator of an embedded fleet, as its root would issue it: with other roles, or for another time. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signerFromSeed } from '../../shared/signing.ts';
import { issueCredential, type CredentialBody } from '../../shared/wire/credential.ts';
import type { EmbeddedFleet } from './embedded-fleet.ts';

/** The keys and the login stay the operator's. Returns the path of the identity file. */
export async function issueOperator(
  fleet: EmbeddedFleet,
  changes: Partial<Omit<CredentialBody, 'issuer'>>,
): Promise<string> {
  const read = (name: string): Record<string, string> =>
    JSON.parse(readFileSync(join(fleet.folder, name), 'utf8')) as Record<string, string>;
  const signer = signerFromSeed(new Uint8Array(Buffer.from(read('root.json')['seed'] ?? '', 'base64')));
  const { credential, fleetId } = fleet.operator();
  const { issuer: _, ...body } = credential.body;
  const serial = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
  const { bytes } = await issueCredential(fleetId, { signer }, { ...body, serial, ...changes });
  const path = join(fleet.cli.folder, `operator-${serial}.json`);
  const identity = { ...read('operator.json'), credential: Buffer.from(bytes).toString('base64') };
  writeFileSync(path, JSON.stringify(identity), { mode: 0o600 });
  return path;
}
