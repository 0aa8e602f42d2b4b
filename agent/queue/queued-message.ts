/** One message of a node's queue, before anybody has vouched for it. */
import { FleetError } from '../../shared/errors.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeQueue, type QueueEntry } from '../../shared/wire/queue.ts';

/** The same for the same bytes. */
export const keyOf = (message: Uint8Array): string => toHex(sha256(message));

/** Undefined for what isn't a queue. */
export function readEntries(stored: Uint8Array): readonly QueueEntry[] | undefined {
  try {
    return decodeQueue(stored);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** It doesn't wait for its turn: whoever takes it verifies it. */
export function isCancel(message: Uint8Array): boolean {
  try {
    return decodeCommand(parseEnvelope(message)[1]).kind === 'cancel';
  } catch (error) {
    if (error instanceof FleetError) return false;
    throw error;
  }
}
