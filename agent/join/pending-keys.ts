/**
 * The keys of a server that is joining: made here, on the disk before anybody hears of them, and never anywhere else. A
 * join that was interrupted goes on with the same ones; they're gone when the identity has them.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod';
import { SettingsError } from '../../shared/errors.ts';
import { boxKeyOf, createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import { loginFromSeed } from '../../shared/login.ts';
import { readPrivateFile } from '../../shared/private-file.ts';
import { KEY_BYTES, signerFromSeed, type LocalSigner } from '../../shared/signing.ts';
import type { JoiningKeys } from '../../shared/wire/join-request.ts';

const FILE = 'joining.json';
const secret = z.base64().transform((text): Uint8Array => new Uint8Array(Buffer.from(text, 'base64')));

const PendingFile = z.strictObject({
  version: z.literal(1),
  /** Keys are for one fleet and one name. */
  fleetId: z.string(),
  name: z.string(),
  signSeed: secret,
  boxSecret: secret,
  loginSeed: z.string(),
});

export interface PendingKeys {
  readonly signer: LocalSigner;
  readonly signSeed: Uint8Array;
  readonly boxSecret: Uint8Array;
  readonly loginSeed: string;
  readonly publicKeys: JoiningKeys;
  /** They were there already. */
  readonly isResumed: boolean;
}

/** Those that an interrupted join left for the same fleet and name, or new ones. @throws SettingsError */
export function takePendingKeys(folder: string, wanted: { fleetId: string; name: string }): PendingKeys {
  const path = join(folder, FILE);
  const found = readPending(path);
  if (found !== undefined && found.fleetId === wanted.fleetId && found.name === wanted.name)
    return complete(found, true);
  const [sign, box, login] = [createSignKeys(), createBoxKeys(), createLoginKeys()];
  const made = { ...wanted, signSeed: sign.secret, boxSecret: box.secret, loginSeed: login.seed };
  const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const content: z.input<typeof PendingFile> = {
    version: 1,
    ...made,
    signSeed: toBase64(made.signSeed),
    boxSecret: toBase64(made.boxSecret),
  };
  writeFileAtomic.sync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  return complete(made, false);
}

export function forgetPendingKeys(folder: string): void {
  rmSync(join(folder, FILE), { force: true });
}

function readPending(path: string): z.output<typeof PendingFile> | undefined {
  try {
    readFileSync(path);
  } catch {
    return undefined;
  }
  const text = readPrivateFile(path, { secret: true, what: 'file of keys' });
  try {
    const file = PendingFile.parse(JSON.parse(text));
    if (file.signSeed.length === KEY_BYTES && file.boxSecret.length === KEY_BYTES) return file;
  } catch {
    // Said below, without a word of what is in it.
  }
  throw new SettingsError(`${path} is damaged: an earlier join left it`, {
    code: 'keys-broken',
    hint: 'Remove it: new keys are made then, and who approves has to approve those.',
  });
}

function complete(
  { signSeed, boxSecret, loginSeed }: Pick<z.output<typeof PendingFile>, 'signSeed' | 'boxSecret' | 'loginSeed'>,
  isResumed: boolean,
): PendingKeys {
  const signer = signerFromSeed(signSeed);
  const publicKeys = {
    sign: signer.publicKey,
    box: boxKeyOf(boxSecret),
    login: loginFromSeed(loginSeed).publicKey,
  };
  return { signer, signSeed, boxSecret, loginSeed, publicKeys, isResumed };
}
