/**
 * A credential says which keys an identity has and what it may be: signed by its issuer, up to a root that every node
 * pins. Bytes: msgpack `[1, body, signature, issuer's credential | nil]`; the body is msgpack of `CredentialBody`.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { isNodeName } from '../names/node-name.ts';
import { KEY_BYTES, sha256, SIGNATURE_BYTES, type Signer } from '../signing.ts';
import { Moment } from './moment.ts';
import { Bytes, bytesOf, signedBytes } from './signed-bytes.ts';

export const CREDENTIAL_KINDS = ['issuer', 'operator', 'node', 'service', 'join'] as const;

/**
 * What an issuer may issue, and what an operator may do; an absent field doesn't limit. One that isn't known here would
 * limit, so a credential that has any isn't taken.
 */
export const CredentialLimits = z.strictObject({
  kinds: z.array(z.enum(CREDENTIAL_KINDS)).optional(),
  /** Names or globs. */
  names: z.array(z.string().max(LIMITS.nodeNameLength)).optional(),
  roles: z.array(z.string().max(64)).optional(),
  actions: z.array(z.string().max(128)).optional(),
  where: z.string().max(4096).optional(),
  /** Longest validity of what is issued, in milliseconds. */
  lifetimeMs: z.number().positive().optional(),
});
export type CredentialLimits = z.infer<typeof CredentialLimits>;

export const CredentialBody = z.object({
  /** 32 hex digits, random; what a revocation names. */
  serial: z.string().regex(/^[0-9a-f]{32}$/),
  kind: z.enum(CREDENTIAL_KINDS),
  /** Goes into logs, terminals and the bus's configuration: nothing but the characters of a node's name. */
  name: z.string().refine(isNodeName, 'expected a name'),
  sign: bytesOf(KEY_BYTES),
  box: bytesOf(KEY_BYTES),
  /** Public nkey of its login (`U…`): who revokes the credential finds by it whom the bus has to shut out. */
  login: z
    .string()
    .regex(/^U[A-Z2-7]{55}$/)
    .optional(),
  roles: z.array(z.string().min(1).max(64)).max(64),
  limits: CredentialLimits,
  /** Facts fixed at enrolment: `trusted.role` and the like. Collectors can't set them. */
  trusted: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Milliseconds since the epoch; valid from, and up to but not at. */
  notBefore: Moment,
  notAfter: Moment,
  /** Hash of the issuer's credential, or of the root key. */
  issuer: bytesOf(32),
});
export type CredentialBody = z.infer<typeof CredentialBody>;

const CredentialFrame = z.tuple([z.literal(1), Bytes, bytesOf(SIGNATURE_BYTES), Bytes.nullable()]);

export interface Credential {
  readonly body: CredentialBody;
  readonly bodyBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly issuer: Credential | undefined;
  /** Names the credential wherever it isn't spelled out. Over the body alone: signature bytes are no identifier. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Links that a chain may have, the root key not counted. */
const MAX_CHAIN_LINKS = 3;
/** A chain of three with every field in use is far below it. */
const CREDENTIAL_BYTES = 8 * 1024;

/** @throws ProtocolError `bad-credential` when the bytes are not a credential; says nothing about its signature. */
export function parseCredential(bytes: Uint8Array, depth = 1): Credential {
  if (depth > MAX_CHAIN_LINKS) throw new ProtocolError('credential chain is too long', { code: 'bad-credential' });
  const frame = CredentialFrame.safeParse(decode(bytes, CREDENTIAL_BYTES));
  if (!frame.success) throw new ProtocolError('not a credential', { code: 'bad-credential' });
  const [, bodyBytes, signature, issuerBytes] = frame.data;
  const body = CredentialBody.safeParse(decode(bodyBytes, CREDENTIAL_BYTES));
  if (!body.success) throw new ProtocolError('not a credential', { code: 'bad-credential', cause: body.error });
  const issuer = issuerBytes === null ? undefined : parseCredential(issuerBytes, depth + 1);
  return { body: body.data, bodyBytes, signature, issuer, hash: sha256(bodyBytes), bytes };
}

/** The link of a chain that a root issued. */
export function topOf(credential: Credential): Credential {
  let top = credential;
  while (top.issuer !== undefined) top = top.issuer;
  return top;
}

/** What the issuer of a credential signs. */
export function credentialSignedBytes(fleetId: string, issuerHash: Uint8Array, bodyBytes: Uint8Array): Uint8Array {
  return signedBytes('credential', fleetId, 'ed25519', issuerHash, bodyBytes);
}

/** Signs a credential. The caller decides what may be in it: nodes check the chain and its limits. */
export async function issueCredential(
  fleetId: string,
  issuer: { signer: Signer; credential?: Credential },
  body: Omit<CredentialBody, 'issuer'>,
): Promise<Credential> {
  const issuerHash = issuer.credential?.hash ?? sha256(issuer.signer.publicKey);
  const bodyBytes = encode({ ...body, issuer: issuerHash });
  const signature = await issuer.signer.sign(credentialSignedBytes(fleetId, issuerHash, bodyBytes));
  return parseCredential(encode([1, bodyBytes, signature, issuer.credential?.bytes ?? null]));
}
