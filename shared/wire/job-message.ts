/**
 * Messages about commands that were sent before: `cancel` ends them or burns their ids, `status` asks what is known of
 * them. What such a message says in its arguments, and what a node answers.
 */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';
import { FINAL_STATES } from '../states.ts';
import { Moment } from './moment.ts';
import { bytesOf } from './signed-bytes.ts';

/** Commands of one caller, of one job, that name the nodes that this message names. */
const Commands = {
  job: z.string().regex(/^[0-9a-z]{1,40}$/),
  /** Public signing key of whose commands they are. */
  caller: bytesOf(32),
  commands: z
    .array(z.strictObject({ id: bytesOf(16), payload: bytesOf(32) }))
    .min(1)
    .max(LIMITS.commandsInMessage),
};

/** `until`: none of them may start after it. So long a node remembers what it has not seen. */
export const CancelArgs = z.strictObject({ ...Commands, until: Moment });
export type CancelArgs = z.infer<typeof CancelArgs>;

export const StatusArgs = z.strictObject(Commands);
export type StatusArgs = z.infer<typeof StatusArgs>;

const CommandFate = z.object({
  /** Hexadecimal. */
  id: z.string(),
  /** `unknown`: the agent was restarted after it took it, and nobody knows whether it ran. */
  was: z.enum(['running', 'ended', 'not-started', 'unknown']),
  /** How it ended. */
  state: z.enum([...FINAL_STATES, 'unmatched']).optional(),
  code: z.string().max(64).optional(),
  /** When the node took it in, by its clock; of one that runs. */
  since: z.number().optional(),
});
export type CommandFate = z.infer<typeof CommandFate>;

/** What a node says of each, in the order asked. */
export const JobMessageData = z.object({ commands: z.array(CommandFate) });
export type JobMessageData = z.infer<typeof JobMessageData>;
