/**
 * Arguments that only the named nodes may read. The payload has them once, under a key of their own, so that the caller's
 * signature covers them; each node gets that key in its own copy's attachment, sealed to its box key:
 *
 *   sealed      {names, data}; data is msgpack {name: text} under the content key
 *   attachment  sealed to the node: 32 bytes of content key | 32 bytes: SHA-256 of the caller's signing key and the payload
 *
 * The second half ties the key to this one command: who commands under an own name can't have what another sealed opened.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { createContentKey, decryptWith, encryptWith, SEAL_BYTES, sealTo, type SealOpener } from '../sealing.ts';
import { KEY_BYTES, sha256 } from '../signing.ts';
import { Bytes } from './signed-bytes.ts';

export const SealedArguments = z.strictObject({
  /** In the clear: policies and refusals may speak of them. */
  names: z.array(z.string().min(1).max(128)).min(1).max(LIMITS.sealedNames),
  data: Bytes,
});
export type SealedArguments = z.infer<typeof SealedArguments>;

const Values = z.record(z.string(), z.string());
export type SecretValues = Readonly<Record<string, string>>;

/** The key of them, sealed to a node. */
export const SEALED_KEY_BYTES = SEAL_BYTES + 2 * KEY_BYTES;

/** Encrypts them, once for all nodes. The key is for attachments alone. */
export function sealArguments(values: SecretValues): { sealed: SealedArguments; key: Uint8Array } {
  const key = createContentKey();
  return { sealed: { names: Object.keys(values), data: encryptWith(key, encode(values)) }, key };
}

/** One command, as its caller signed it. */
export interface SealedFor {
  /** The caller's public signing key. */
  readonly caller: Uint8Array;
  /** SHA-256 of the command's payload. */
  readonly payloadHash: Uint8Array;
}

/** For the node that has this box key. @throws ProtocolError `bad-key` */
export function createAttachment(boxKey: Uint8Array, key: Uint8Array, command: SealedFor): Uint8Array {
  return sealTo(boxKey, Buffer.concat([key, tieOf(command)]));
}

/** @throws ProtocolError `cannot-unseal`, whose message says what of it is wrong */
export function openArguments(
  sealed: SealedArguments,
  attachment: Uint8Array | undefined,
  opener: SealOpener,
  command: SealedFor,
): SecretValues {
  if (attachment === undefined) throw cannotUnseal('the key for its sealed arguments did not come along');
  const content = open(
    () => opener.open(attachment),
    'the key for its sealed arguments is for another node, or damaged',
  );
  if (content.length !== 2 * KEY_BYTES || Buffer.compare(content.subarray(KEY_BYTES), tieOf(command)) !== 0)
    throw cannotUnseal('the key for its sealed arguments is for another command');
  const key = content.subarray(0, KEY_BYTES);
  const bytes = open(() => decryptWith(key, sealed.data), 'its sealed arguments are under another key');
  const values = Values.safeParse(open(() => decode(bytes), NOT_AS_NAMED));
  if (!values.success || !isSameSet(Object.keys(values.data), sealed.names)) throw cannotUnseal(NOT_AS_NAMED);
  return values.data;
}

const NOT_AS_NAMED = 'its sealed arguments are not the ones that it names';

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && new Set([...some, ...others]).size === some.length;
}

function tieOf({ caller, payloadHash }: SealedFor): Uint8Array {
  return sha256(caller, payloadHash);
}

function open<T>(attempt: () => T, what: string): T {
  try {
    return attempt();
  } catch (cause) {
    throw cannotUnseal(what, cause);
  }
}

function cannotUnseal(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError(what, { code: 'cannot-unseal', cause });
}
