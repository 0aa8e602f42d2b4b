/**
 * Where a command came from, in short: what the next agent needs to answer it when this one doesn't live to. Written
 * down with its id before it starts. Nothing of what was asked stands in it: that may be secret.
 */
import * as z from 'zod';
import { LIMITS } from '../../shared/limits.ts';
import { toHex } from '../../shared/signing.ts';
import type { Addressee } from '../reply.ts';
import type { VerifiedCommand } from '../verify.ts';

export const Origin = z.strictObject({
  caller: z.strictObject({ name: z.string(), serial: z.string(), kind: z.string() }),
  job: z.string(),
  /** Message id, hex. */
  id: z.string(),
  reply: z.enum(['res', 'rec']),
  /** By the node's clock, milliseconds since the epoch. */
  received: z.number(),
  action: z.string(),
  /** Of the task that runs; absent where none does, or only its check. */
  task: z.string().optional(),
  /** Whether the caller listens to what it writes. */
  isLive: z.boolean(),
});
export type Origin = z.infer<typeof Origin>;

/** Beside a program's output: what the memory of commands has with it. */
export const SpooledOrigin = Origin.extend({ key: z.string(), payload: z.string() });
export type SpooledOrigin = z.infer<typeof SpooledOrigin>;

/** Whom an agent answers that didn't take the command itself. */
export function addresseeAt({ caller, id, job, payload, reply }: Omit<SpooledOrigin, 'key'>): Addressee {
  return { caller: caller.name, job, id: Buffer.from(id, 'hex'), payloadHash: Buffer.from(payload, 'hex'), reply };
}

export function originOf({ caller, command }: VerifiedCommand, received: number): Origin {
  const { name, serial, kind } = caller.credential.body;
  const { action, args, id, job, options, reply } = command;
  const { task } = args;
  const isTask = action === 'task.run' && typeof task === 'string' && options.dryRun !== true;
  return {
    caller: { name, serial, kind },
    job,
    id: toHex(id),
    reply,
    received,
    action,
    isLive: options.live === true,
    ...(isTask ? { task: task.slice(0, LIMITS.taskNameBytes) } : {}),
  };
}
