/**
 * Fields that every payload may have: later features fill them, and they are in the format from the start, so that none
 * of those features needs another one. A sender that depends on one being acted on names it in `crit`.
 */
import * as z from 'zod';
import { ProtocolError } from '../errors.ts';
import { bytesOf } from './signed-bytes.ts';

export const ReservedFields = z.object({
  /** Compression of the payload's data. */
  codec: z.string().max(32).optional(),
  /** Chunk: index, count, SHA-256 of the whole. */
  part: z.tuple([z.number().int().nonnegative(), z.number().int().positive(), bytesOf(32)]).optional(),
  trace: z.string().max(256).optional(),
  /** Hash of the frozen job or playbook run. */
  plan: bytesOf(32).optional(),
  fence: z.strictObject({ lock: z.string().max(256), token: z.number().int() }).optional(),
  epochs: z.strictObject({ policy: z.number().int().optional(), revoked: z.number().int().optional() }).optional(),
  /** Names of fields that have to be understood. */
  crit: z.array(z.string().max(64)).max(32).optional(),
});

/** What is asked of a message before it is acted on. */
export interface Critical {
  readonly crit?: readonly string[] | undefined;
}

/** The first field that the sender calls critical and this version doesn't act on. */
export function firstNotUnderstood(message: Critical, understood: ReadonlySet<string>): string | undefined {
  return message.crit?.find((field) => !understood.has(field));
}

/** For messages that can't be answered. @throws ProtocolError `not-understood` */
export function assertUnderstood(message: Critical, understood: ReadonlySet<string>): void {
  const field = firstNotUnderstood(message, understood);
  if (field !== undefined)
    throw new ProtocolError(`it needs "${field}", which this version doesn't know`, { code: 'not-understood' });
}
