/**
 * What waits for a node that is away: its commands as they were signed for it, the oldest first, in one message. The list
 * is nobody's word: each command in it proves itself, and what isn't a command that holds is thrown out by the node.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Moment } from './moment.ts';
import { Bytes } from './signed-bytes.ts';

const QueueEntry = z.object({
  /** An envelope of kind `command`, with the attachment of this node where something is sealed. */
  message: Bytes,
  /** When it ends, as whoever put it there says: it makes room then. What counts is signed. */
  until: Moment,
});
export type QueueEntry = z.infer<typeof QueueEntry>;

const QueueDocument = z.object({
  version: z.literal(1),
  entries: z.array(QueueEntry).max(LIMITS.queueEntries),
});

export function encodeQueue(entries: readonly QueueEntry[]): Uint8Array {
  return encode({ version: 1, entries: entries.map(({ message, until }) => ({ message, until })) });
}

/** @throws ProtocolError `malformed` */
export function decodeQueue(stored: Uint8Array): readonly QueueEntry[] {
  const parsed = QueueDocument.safeParse(decode(stored));
  if (!parsed.success) throw new ProtocolError('not a queue', { code: 'malformed', cause: parsed.error });
  return parsed.data.entries;
}
