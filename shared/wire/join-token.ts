/**
 * A token to join with, as it's printed for a person: one line, `fleet1.` and base64url. It holds keys that are good for
 * asking to join, until it ends, and for nothing else; whoever has it trusts the roots and the certificate in it.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { SettingsError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { assertFleetName } from '../subjects.ts';
import { fleetIdOf, KEY_BYTES, sha256, signerFromSeed, toHex, type LocalSigner } from '../signing.ts';
import { Moment } from './moment.ts';
import { Bytes, bytesOf, WrittenFleetId } from './signed-bytes.ts';

const PREFIX = 'fleet1.';
const ROOTS = 16;

const TokenBody = z.object({
  version: z.literal(1),
  fleet: z.string(),
  /** Absent where it's the hash of the first of `roots`. */
  fleetId: WrittenFleetId,
  /** Public keys of the roots, as they are now: whom answers come from, and what a node pins. */
  roots: z.array(bytesOf(KEY_BYTES)).min(1).max(ROOTS),
  /** Seed of the key that signs requests. */
  sign: bytesOf(KEY_BYTES),
  /** The login at the bus, in the account of those who want to join. */
  loginSeed: z.string().max(128),
  loginJwt: z.string().max(LIMITS.joinTokenLength),
  /** Milliseconds since the epoch. */
  expires: Moment,
  /** Certificates (DER) that the bus's own has to come from. Absent: those that the system trusts, or no TLS. */
  ca: z.array(Bytes).optional(),
});

export interface JoinToken {
  readonly id: string;
  readonly fleet: string;
  readonly fleetId: string;
  readonly roots: readonly Uint8Array[];
  readonly signer: LocalSigner;
  readonly loginSeed: string;
  readonly loginJwt: string;
  readonly expires: number;
  readonly ca: readonly Uint8Array[] | undefined;
}

export interface JoinTokenParts extends Omit<JoinToken, 'id' | 'signer'> {
  readonly signSeed: Uint8Array;
}

/** Names a token: it follows from its public key, so that one can't have another's. */
export function tokenIdOf(publicKey: Uint8Array): string {
  return toHex(sha256(publicKey)).slice(0, 16);
}

export function formatJoinToken({ signSeed, ca, roots, ...parts }: JoinTokenParts): string {
  const { fleet, fleetId, loginSeed, loginJwt, expires } = parts;
  const [first] = roots;
  const body: z.input<typeof TokenBody> = {
    version: 1,
    fleet,
    ...(first !== undefined && fleetIdOf(first) === fleetId ? {} : { fleetId }),
    roots: [...roots],
    sign: signSeed,
    loginSeed,
    loginJwt,
    expires,
    ...(ca === undefined ? {} : { ca: [...ca] }),
  };
  return PREFIX + Buffer.from(encode(body)).toString('base64url');
}

/** @throws SettingsError `bad-token`, which never quotes it */
export function parseJoinToken(text: string): JoinToken {
  const line = text.trim();
  if (!line.startsWith(PREFIX)) throw badToken(`it doesn't begin with ${PREFIX}`);
  if (line.length > LIMITS.joinTokenLength || !/^[\w-]+$/.test(line.slice(PREFIX.length)))
    throw badToken('it has characters in it that no token has');
  let content: unknown;
  try {
    content = decode(Buffer.from(line.slice(PREFIX.length), 'base64url'));
  } catch (cause) {
    throw badToken('a part of it is missing', cause);
  }
  const body = TokenBody.safeParse(content);
  const [root] = body.data?.roots ?? [];
  if (!body.success || root === undefined) throw badToken('it is damaged, or of another version');
  const { sign, version: _, ca, ...rest } = body.data;
  try {
    assertFleetName(rest.fleet);
  } catch (cause) {
    throw badToken('it is damaged', cause);
  }
  const signer = signerFromSeed(sign);
  return {
    ...rest,
    ca,
    id: tokenIdOf(signer.publicKey),
    fleetId: rest.fleetId ?? fleetIdOf(root),
    signer,
  };
}

function badToken(why: string, cause?: unknown): SettingsError {
  return new SettingsError(`that is no token to join with: ${why}`, {
    code: 'bad-token',
    hint: 'It is one long line, as `fleet enroll token` printed it: copy it whole.',
    cause,
  });
}
