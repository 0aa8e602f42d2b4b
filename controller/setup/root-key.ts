/** The root key of a fleet in its file: made by `fleet init`, needed for operators, kept offline in between. */
import { existsSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { SettingsError } from '../../shared/errors.ts';
import { createSignKeys } from '../../shared/keys.ts';
import { readPrivateFile } from '../../shared/private-file.ts';
import { fleetIdOf, KEY_BYTES, signerFromSeed } from '../../shared/signing.ts';
import type { IdentityIssuer } from './make-identity.ts';

const RootFile = z.strictObject({
  version: z.literal(1),
  fleet: z.string(),
  publicKey: z.base64(),
  seed: z.base64(),
});

export function createRoot(path: string, fleet: string): IdentityIssuer {
  const { publicKey, secret } = createSignKeys();
  const content: z.infer<typeof RootFile> = {
    version: 1,
    fleet,
    publicKey: Buffer.from(publicKey).toString('base64'),
    seed: Buffer.from(secret).toString('base64'),
  };
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return { fleet, fleetId: fleetIdOf(publicKey), roots: [publicKey], signer: signerFromSeed(secret) };
}

/** @throws SettingsError `no-root`, `root-broken`, `wrong-root`, and what readPrivateFile throws */
export function readRoot(path: string, fleetId: string): IdentityIssuer {
  if (!existsSync(path))
    throw new SettingsError(`the root key ${path} is not there, and only it makes operators`, {
      code: 'no-root',
      hint: 'Bring it from where it is kept, and name it with --root FILE.',
    });
  const file = RootFile.safeParse(parseJson(readPrivateFile(path, { secret: true, what: 'root key' })));
  const seed = new Uint8Array(Buffer.from(file.data?.seed ?? '', 'base64'));
  if (!file.success || seed.length !== KEY_BYTES)
    throw new SettingsError(`the root key ${path} is broken`, {
      code: 'root-broken',
      hint: 'Copy it again from where it is kept.',
    });
  const signer = signerFromSeed(seed);
  if (fleetIdOf(signer.publicKey) !== fleetId)
    throw new SettingsError(`the root key ${path} is another fleet's`, {
      code: 'wrong-root',
      hint: 'Name the one that `fleet init` made for this fleet with --root FILE.',
    });
  return { fleet: file.data.fleet, fleetId, roots: [signer.publicKey], signer };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
