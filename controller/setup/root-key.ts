/**
 * The root key of a fleet in its file: made by `fleet init`, needed for operators and issuers, kept offline in between.
 * Plain, or under a passphrase. A later root's file names the fleet's id, which is the hash of the first one's.
 */
import { existsSync, writeFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod';
import { SettingsError } from '../../shared/errors.ts';
import { createSignKeys } from '../../shared/keys.ts';
import { openWithPassphrase, Sealed, sealWithPassphrase } from '../../shared/passphrase.ts';
import { readPrivateFile } from '../../shared/private-file.ts';
import { fleetIdOf, KEY_BYTES, signerFromSeed, toHex } from '../../shared/signing.ts';
import { WrittenFleetId } from '../../shared/wire/signed-bytes.ts';
import type { IdentityIssuer } from './make-identity.ts';

const RootFile = z
  .strictObject({
    version: z.literal(1),
    fleet: z.string(),
    /** Absent in the first root's: it's the hash of its key. */
    fleetId: WrittenFleetId,
    publicKey: z.base64(),
    seed: z.base64().optional(),
    sealed: Sealed.optional(),
  })
  .refine(({ seed, sealed }) => (seed === undefined) !== (sealed === undefined), 'expected a seed, or a sealed one');
type RootFile = z.infer<typeof RootFile>;

/** Asks for a passphrase where there is one. @param what it belongs to */
export type AskPassphrase = (what: string) => Promise<string>;

export interface CreateRootOptions {
  readonly fleet: string;
  /** The file is plain without. */
  readonly passphrase?: string | undefined;
  /** Of a fleet that had another root before. */
  readonly fleetId?: string | undefined;
}

/** Its roots are the new one alone: what else holds, the caller knows. */
export async function createRoot(path: string, options: CreateRootOptions): Promise<IdentityIssuer> {
  const { fleet, fleetId, passphrase } = options;
  const { publicKey, secret } = createSignKeys();
  const content: RootFile = {
    version: 1,
    fleet,
    ...(fleetId === undefined ? {} : { fleetId }),
    publicKey: Buffer.from(publicKey).toString('base64'),
    ...(await seedFields(secret, passphrase)),
  };
  writeFileSync(path, toText(content), { mode: 0o600, flag: 'wx' });
  return { fleet, fleetId: fleetId ?? fleetIdOf(publicKey), roots: [publicKey], signer: signerFromSeed(secret) };
}

/**
 * @param fleet whose root it has to be: one of those that hold
 * @throws SettingsError `no-root`, `root-broken`, `wrong-root`, `wrong-passphrase`, and what readPrivateFile throws
 */
export async function readRoot(
  path: string,
  { fleetId, roots }: Pick<IdentityIssuer, 'fleetId' | 'roots'>,
  ask: AskPassphrase = nobodyToAsk,
): Promise<IdentityIssuer> {
  const file = readFile(path);
  const publicKey = new Uint8Array(Buffer.from(file.publicKey, 'base64'));
  // Before anybody is asked for the passphrase of the wrong key.
  if ((file.fleetId ?? fleetIdOf(publicKey)) !== fleetId)
    throw new SettingsError(`the root key ${path} is another fleet's`, {
      code: 'wrong-root',
      hint: 'Name the one that `fleet init` made for this fleet with --root FILE.',
    });
  if (!roots.some((root) => toHex(root) === toHex(publicKey)))
    throw new SettingsError(`the root key ${path} is none of those that hold: another one took its place`, {
      code: 'wrong-root',
      hint: 'Name the one that `fleet ca rotate root` made with --root FILE.',
    });
  const signer = signerFromSeed(await seedOf(path, file, ask));
  if (toHex(signer.publicKey) !== toHex(publicKey)) throw broken(path);
  return { fleet: file.fleet, fleetId, roots, signer };
}

/** @param passphrase undefined: none any more @throws as readRoot */
export async function changePassphrase(
  path: string,
  ask: AskPassphrase,
  next: () => Promise<string | undefined>,
): Promise<void> {
  const { seed: _, sealed: __, ...file } = readFile(path);
  const seed = await seedOf(path, readFile(path), ask);
  const content: RootFile = { ...file, ...(await seedFields(seed, await next())) };
  await writeFileAtomic(path, toText(content), { mode: 0o600 });
}

/** The public key of a file; asks for no passphrase. @throws as readRoot */
export function publicKeyOf(path: string): Uint8Array {
  return new Uint8Array(Buffer.from(readFile(path).publicKey, 'base64'));
}

async function seedFields(
  seed: Uint8Array,
  passphrase: string | undefined,
): Promise<Pick<RootFile, 'seed' | 'sealed'>> {
  return passphrase === undefined
    ? { seed: Buffer.from(seed).toString('base64') }
    : { sealed: await sealWithPassphrase(seed, passphrase) };
}

async function seedOf(path: string, { seed, sealed }: RootFile, ask: AskPassphrase): Promise<Uint8Array> {
  const bytes =
    sealed === undefined
      ? new Uint8Array(Buffer.from(seed ?? '', 'base64'))
      : await openWithPassphrase(sealed, await ask(`the root key ${path}`));
  if (bytes.length !== KEY_BYTES) throw broken(path);
  return bytes;
}

function readFile(path: string): RootFile {
  if (!existsSync(path))
    throw new SettingsError(`the root key ${path} is not there, and only it makes operators and issuers`, {
      code: 'no-root',
      hint: 'Bring it from where it is kept, and name it with --root FILE.',
    });
  const file = RootFile.safeParse(parseJson(readPrivateFile(path, { secret: true, what: 'root key' })));
  if (!file.success) throw broken(path);
  return file.data;
}

const nobodyToAsk: AskPassphrase = (what) =>
  Promise.reject(
    new SettingsError(`${what} has a passphrase, and nobody was asked for it`, { code: 'needs-passphrase' }),
  );

const broken = (path: string): SettingsError =>
  new SettingsError(`the root key ${path} is broken`, {
    code: 'root-broken',
    hint: 'Copy it again from where it is kept.',
  });

const toText = (content: RootFile): string => `${JSON.stringify(content, null, 2)}\n`;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
