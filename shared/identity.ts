/**
 * An identity in one file: its keys, its credential, the roots of its fleet. Made by `fleet init` and `fleet ca issue`,
 * readable by its owner alone.
 */
import { writeFileSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import * as z from 'zod';
import { FleetError, SettingsError } from './errors.ts';
import { readPrivateFile } from './private-file.ts';
import { fleetIdOf, KEY_BYTES, signerFromSeed, type Signer } from './signing.ts';
import { createSshAgentSigner } from './ssh-agent.ts';
import { parseCredential, type Credential } from './wire/credential.ts';
import { WrittenFleetId } from './wire/signed-bytes.ts';

const base64 = z.base64();

const IdentityFile = z.strictObject({
  version: z.literal(1),
  fleet: z.string(),
  /** The fleet's id: the hash of its first root, for ever. Absent where that is the first of `roots`. */
  fleetId: WrittenFleetId,
  /** Public keys of the roots that hold. */
  roots: z.array(base64).min(1),
  credential: base64,
  /** Absent where an ssh-agent holds the key. */
  signSeed: base64.optional(),
  signer: z.literal('ssh-agent').optional(),
  boxSecret: base64,
  loginSeed: z.string().regex(/^SU[A-Z2-7]+$/),
  /** What the fleet lets this login do at the bus, signed by its account there. */
  loginJwt: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/),
});

export interface Identity {
  readonly fleet: string;
  readonly fleetId: string;
  readonly roots: readonly Uint8Array[];
  readonly name: string;
  readonly credential: Credential;
  readonly signer: Signer;
  readonly boxSecret: Uint8Array;
  readonly loginSeed: string;
  readonly loginJwt: string;
}

export interface IdentityKeys {
  /** Undefined where an ssh-agent holds the key. */
  readonly signSeed: Uint8Array | undefined;
  readonly boxSecret: Uint8Array;
  readonly loginSeed: string;
  readonly loginJwt: string;
}

/**
 * Writes the file, for its owner's eyes only.
 * @param fleetId of a fleet whose first root has been replaced
 */
export function writeIdentity(
  path: string,
  fleet: string,
  roots: readonly Uint8Array[],
  credential: Credential,
  keys: IdentityKeys,
  fleetId?: string,
): void {
  const content: z.infer<typeof IdentityFile> = {
    version: 1,
    fleet,
    ...rootFields(roots, fleetId),
    credential: toBase64(credential.bytes),
    ...(keys.signSeed === undefined ? { signer: 'ssh-agent' } : { signSeed: toBase64(keys.signSeed) }),
    boxSecret: toBase64(keys.boxSecret),
    loginSeed: keys.loginSeed,
    loginJwt: keys.loginJwt,
  };
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
}

/** Other roots, or another credential for the same keys, with its login; everything else stays. @throws as readIdentity */
export async function updateIdentity(
  path: string,
  { fleetId, roots, credential, loginJwt }: Pick<Identity, 'fleetId' | 'roots' | 'credential' | 'loginJwt'>,
): Promise<void> {
  readIdentity(path);
  const { fleetId: _, ...before } = JSON.parse(
    readPrivateFile(path, { secret: true, what: 'identity file' }),
  ) as object & {
    fleetId?: string;
  };
  const after = { ...before, ...rootFields(roots, fleetId), credential: toBase64(credential.bytes), loginJwt };
  await writeFileAtomic(path, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600 });
}

function rootFields(
  roots: readonly Uint8Array[],
  fleetId: string | undefined,
): Pick<z.infer<typeof IdentityFile>, 'fleetId' | 'roots'> {
  const isOfFirst = fleetId === undefined || (roots[0] !== undefined && fleetIdOf(roots[0]) === fleetId);
  return { ...(isOfFirst ? {} : { fleetId }), roots: roots.map(toBase64) };
}

/** @throws SettingsError when it is missing, readable by others, or not an identity. */
export function readIdentity(path: string, options: { readonly sshAgentSocket?: string | undefined } = {}): Identity {
  const text = readPrivateFile(path, { secret: true, what: 'identity file' });
  const broken = (why: string, cause?: unknown): SettingsError =>
    new SettingsError(`identity file ${path} is broken: ${why}`, {
      code: 'identity-broken',
      hint: 'Copy it again from where it was issued, or have new keys made (`fleet ca renew`).',
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken('it is not JSON', cause);
  }
  const file = IdentityFile.safeParse(json);
  if (!file.success) {
    const issue = file.error.issues[0];
    throw broken(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { fleet, loginJwt, loginSeed } = file.data;
  const roots = file.data.roots.map(fromBase64);
  const [firstRoot] = roots;
  if (firstRoot === undefined || roots.some((root) => root.length !== KEY_BYTES)) throw broken('roots');
  const boxSecret = fromBase64(file.data.boxSecret);
  if (boxSecret.length !== KEY_BYTES) throw broken('boxSecret');
  let credential: Credential;
  try {
    credential = parseCredential(fromBase64(file.data.credential));
  } catch (cause) {
    throw broken(cause instanceof FleetError ? cause.message : 'credential', cause);
  }
  const signer = readSigner(file.data, credential, options.sshAgentSocket);
  if (signer === undefined) throw broken('signSeed');
  if (Buffer.compare(signer.publicKey, credential.body.sign) !== 0)
    throw broken('its key is not the one that its credential speaks of');
  return {
    fleet,
    fleetId: file.data.fleetId ?? fleetIdOf(firstRoot),
    roots,
    name: credential.body.name,
    credential,
    signer,
    boxSecret,
    loginSeed,
    loginJwt,
  };
}

function readSigner(
  { signSeed, signer }: z.infer<typeof IdentityFile>,
  { body }: Credential,
  sshAgentSocket: string | undefined,
): Signer | undefined {
  if (signer === 'ssh-agent')
    return signSeed === undefined ? createSshAgentSigner(sshAgentSocket, body.sign) : undefined;
  const seed = fromBase64(signSeed ?? '');
  return seed.length === KEY_BYTES ? signerFromSeed(seed) : undefined;
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
