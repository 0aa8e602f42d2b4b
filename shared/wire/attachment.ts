/**
 * What goes along with a command to one node, unsigned: the key of what is sealed in it, which proves itself, and, of what
 * was signed long before it is sent, until when this node may start it. That can only shorten what the signature allows.
 *
 *   [sealed to the node, where the command has sealed arguments] [8 bytes: milliseconds since the epoch, big-endian]
 */
import type { Command } from './command.ts';
import { SEALED_KEY_BYTES } from './sealed-arguments.ts';

const MOMENT_BYTES = 8;
/** What it adds to a message at most, its frame included. */
export const ATTACHMENT_ROOM_BYTES = SEALED_KEY_BYTES + MOMENT_BYTES + 2;

export interface Attachment {
  readonly sealed: Uint8Array | undefined;
  readonly startBy: number | undefined;
}

/** Undefined where nothing goes along. */
export function encodeAttachment({ sealed, startBy }: Attachment): Uint8Array | undefined {
  if (startBy === undefined) return sealed;
  const moment = Buffer.alloc(MOMENT_BYTES);
  moment.writeBigUInt64BE(BigInt(startBy));
  return sealed === undefined ? moment : Buffer.concat([sealed, moment]);
}

/** What has no meaning is left as it was: it proves nothing, and opens nothing. */
export function decodeAttachment(
  { sealed, startBy }: Pick<Command, 'sealed' | 'startBy'>,
  attachment: Uint8Array | undefined,
): { readonly sealed: Uint8Array | undefined; readonly startBy: number } {
  const at = sealed === undefined ? 0 : SEALED_KEY_BYTES;
  if (attachment?.length !== at + MOMENT_BYTES) return { sealed: attachment, startBy };
  const moment = Number(Buffer.from(attachment).readBigUInt64BE(at));
  return { sealed: sealed === undefined ? undefined : attachment.subarray(0, at), startBy: Math.min(startBy, moment) };
}
