/** What a command of kind `credit` says: how much of another one's output may be heard. */
import * as z from 'zod';
import { ProtocolError } from '../errors.ts';
import type { Command } from './command.ts';
import { bytesOf } from './signed-bytes.ts';

/** What it names as its action: there is none, and no policy is asked. */
export const CREDIT_ACTION = 'credit';

const CreditArguments = z.object({
  /** Message id of the command whose output it's about. */
  id: bytesOf(16),
  /** So many bytes in all, both streams together, from their beginning. */
  bytes: z.number().int().nonnegative(),
});
type CreditArguments = z.infer<typeof CreditArguments>;

/** @throws ProtocolError `malformed` */
export function readCredit({ args }: Pick<Command, 'args'>): CreditArguments {
  const parsed = CreditArguments.safeParse(args);
  if (!parsed.success) throw new ProtocolError('not credit', { code: 'malformed', cause: parsed.error });
  return parsed.data;
}
