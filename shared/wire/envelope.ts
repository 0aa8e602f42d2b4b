/**
 * The frame of every message: msgpack `[1, payload, [[alg, credential | its hash, signature], …], attachment?]`.
 * Opening verifies first and gives the payload's bytes back; decoding and validating them come after.
 */
import * as z from 'zod';
import { decodeViews, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { isMacOf, macOf } from '../pairwise.ts';
import type { SignatureMemo } from '../signature-memo.ts';
import type { Signer } from '../signing.ts';
import { LIMITS } from '../limits.ts';
import { Bytes, ALGORITHMS, approvedBytes, signedBytes, type MessageKind } from './signed-bytes.ts';
import type { Credential } from './credential.ts';
import type { VerifiedCredential } from '../trust.ts';

/** Kinds of messages that are read again and again. */
const LASTING: ReadonlySet<MessageKind> = new Set(['roster', 'inventory']);

/** The caller's, and those of who approved it. */
const MAX_SIGNATURES = 1 + LIMITS.approvals;

export const EnvelopeFrame = z
  .tuple([
    z.literal(1),
    Bytes,
    z
      .array(z.tuple([z.enum(ALGORITHMS), Bytes, Bytes]))
      .min(1)
      .max(MAX_SIGNATURES),
  ])
  .or(
    z.tuple([
      z.literal(1),
      Bytes,
      z
        .array(z.tuple([z.enum(ALGORITHMS), Bytes, Bytes]))
        .min(1)
        .max(MAX_SIGNATURES),
      Bytes,
    ]),
  );

/** Who signs: a key, the credential that vouches for it, and whether to spell the credential out. */
export interface SignerIdentity {
  readonly signer: Signer;
  readonly credential: Credential;
  /** Whether readers may not have seen the credential yet, although they have seen the identity. @default false */
  readonly spellOut?: boolean | undefined;
}

/** Turns what stands in a signature's second place into a credential whose chain holds now, or throws. */
export interface CredentialSource {
  /** What was verified before, of what lasts. @default nothing */
  readonly memo?: SignatureMemo | undefined;
  /** @throws ProtocolError `unknown-signer`, `bad-credential`, `credential-expired`, … */
  resolve(credentialOrHash: Uint8Array): VerifiedCredential;
}

export interface SealOptions {
  /** Send the whole credential (the reader pins roots only) instead of its hash (the reader has seen it). */
  readonly inlineCredential: boolean;
}

/** Signs a payload and frames it. */
export function seal(
  kind: MessageKind,
  fleetId: string,
  identity: SignerIdentity,
  payload: Uint8Array,
  options: SealOptions,
): Promise<Uint8Array> {
  const { credential, signer } = identity;
  const reference = options.inlineCredential ? credential.bytes : credential.hash;
  return sealWith(kind, fleetId, { signer, hash: credential.hash, reference }, payload);
}

/** The same for a key without a credential, a root's: the hash of the key stands in for the credential's. */
export async function sealWith(
  kind: MessageKind,
  fleetId: string,
  by: { readonly signer: Signer; readonly hash: Uint8Array; readonly reference: Uint8Array },
  payload: Uint8Array,
): Promise<Uint8Array> {
  const signature = await by.signer.sign(signedBytes(kind, fleetId, 'ed25519', by.hash, payload));
  return encode([1, payload, [['ed25519', by.reference, signature]]]);
}

/** For one reader, by a key that the two have (pairwise.ts): it proves who says it to that reader alone. */
export function sealForOne(
  kind: MessageKind,
  fleetId: string,
  { credential, key }: { readonly credential: Credential; readonly key: Uint8Array },
  payload: Uint8Array,
  { inlineCredential }: SealOptions,
): Uint8Array {
  const mac = macOf(key, signedBytes(kind, fleetId, 'x25519-hmac', credential.hash, payload));
  return encode([1, payload, [['x25519-hmac', inlineCredential ? credential.bytes : credential.hash, mac]]]);
}

/**
 * The same message with an attachment: what is signed stays as it is. For bytes that prove themselves to who gets them.
 * @param message as `seal` gave it
 */
export function withAttachment(message: Uint8Array, attachment: Uint8Array): Uint8Array {
  const [version, payload, signatures] = decodeViews(message) as unknown[];
  return encode([version, payload, signatures, attachment]);
}

/** Its bytes are views of the message: who keeps them copies them. */
export interface OpenedEnvelope {
  readonly payload: Uint8Array;
  /** The first is the caller's, the others are who approved it; every one of them was verified. */
  readonly signers: readonly [VerifiedCredential, ...VerifiedCredential[]];
  readonly attachment: Uint8Array | undefined;
}

/**
 * The frame alone: nothing of it is proven. `[1, payload, signatures, attachment?]`, as views of the message.
 * @throws ProtocolError `malformed`
 */
export function parseEnvelope(message: Uint8Array): z.infer<typeof EnvelopeFrame> {
  const frame = EnvelopeFrame.safeParse(decodeViews(message));
  if (!frame.success) throw new ProtocolError('not an envelope', { code: 'malformed' });
  return frame.data;
}

/**
 * Verifies every signature of a message.
 * @param keyWith where what only this reader can verify is accepted: the key that it has with that box key
 * @throws ProtocolError `malformed`, `unsupported-algorithm`, `bad-signature`, or what `credentials` throws.
 */
export function open(
  kind: MessageKind,
  fleetId: string,
  message: Uint8Array,
  credentials: CredentialSource,
  keyWith?: (boxKey: Uint8Array) => Uint8Array,
): OpenedEnvelope {
  const [, payload, signatures, attachment] = parseEnvelope(message);
  const [[firstAlg, from, mac] = []] = signatures;
  if (firstAlg === 'x25519-hmac' && keyWith !== undefined && signatures.length === 1) {
    const signer = credentials.resolve(from ?? new Uint8Array());
    const { body, hash } = signer.credential;
    const bytes = signedBytes(kind, fleetId, firstAlg, hash, payload);
    if (!isMacOf(keyWith(body.box), bytes, mac ?? new Uint8Array()))
      throw new ProtocolError('the signature does not hold', { code: 'bad-signature' });
    return { payload, signers: [signer], attachment };
  }
  const signers: VerifiedCredential[] = [];
  for (const [alg, reference, signature] of signatures) {
    if (alg !== 'ed25519')
      throw new ProtocolError(`algorithm ${alg} is not accepted here`, { code: 'unsupported-algorithm' });
    const signer = credentials.resolve(reference);
    const { hash } = signer.credential;
    const [caller] = signers;
    const bytes =
      kind === 'command' && caller !== undefined
        ? approvedBytes(fleetId, alg, hash, caller.credential.hash, payload)
        : signedBytes(kind, fleetId, alg, hash, payload);
    const { memo } = credentials;
    const holds =
      memo !== undefined && LASTING.has(kind)
        ? memo.verify(signer.verifyKey, bytes, signature)
        : signer.verifyKey.verify(bytes, signature);
    if (!holds) throw new ProtocolError('the signature does not hold', { code: 'bad-signature' });
    signers.push(signer);
  }
  const [first, ...others] = signers;
  if (first === undefined) throw new ProtocolError('not an envelope', { code: 'malformed' });
  return { payload, signers: [first, ...others], attachment };
}

/** An operator's yes to another's command: one more signature, to be put beside the caller's. */
export interface Approval {
  /** Whole: nodes pin roots only. */
  readonly credential: Uint8Array;
  readonly signature: Uint8Array;
}

/** Signs the command of another. What it says, and who signed it, is the approver's to look at before. */
export async function approve(
  fleetId: string,
  { credential, signer }: SignerIdentity,
  { payload, signers }: Pick<OpenedEnvelope, 'payload' | 'signers'>,
): Promise<Approval> {
  const callerHash = signers[0].credential.hash;
  const signature = await signer.sign(approvedBytes(fleetId, 'ed25519', credential.hash, callerHash, payload));
  return { credential: credential.bytes, signature };
}

/**
 * A command with one more signature.
 * @throws ProtocolError `bad-signature` when the approval is of another command or another caller; `malformed` when there
 *   is no room for one more; and what `credentials` throws
 */
export function addApproval(
  fleetId: string,
  message: Uint8Array,
  { credential, signature }: Approval,
  credentials: CredentialSource,
): Uint8Array {
  const [version, payload, signatures, ...attachment] = parseEnvelope(message);
  const approved = encode([version, payload, [...signatures, ['ed25519', credential, signature]], ...attachment]);
  open('command', fleetId, approved, credentials);
  return approved;
}
