/**
 * A command as it is signed: who it is for, what, until when, and where the answer goes. Unknown fields are ignored,
 * unless `crit` names them: that is how later versions add to it.
 */
import * as z from 'zod';
import { decodeViews, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Moment } from './moment.ts';
import { ReservedFields } from './reserved-fields.ts';
import { SealedArguments } from './sealed-arguments.ts';
import { ALGORITHMS, bytesOf } from './signed-bytes.ts';

const COMMAND_KINDS = ['command', 'cancel', 'status', 'credit', 'approve'] as const;

const NodeName = z.string().min(1).max(LIMITS.nodeNameLength);

/** Named nodes, an expression, or both; neither means every node. */
const Target = z.strictObject({
  nodes: z.array(NodeName).min(1).max(LIMITS.namesPerEnvelope).optional(),
  where: z.string().max(LIMITS.whereBytes).optional(),
});
type Target = z.infer<typeof Target>;

const CommandOptions = z.strictObject({
  dryRun: z.boolean().optional(),
  /** Answer a broadcast also when it doesn't match. */
  ask: z.boolean().optional(),
  /** Of what is only heard: say what the program writes while it runs. What is recorded has it anyway. */
  live: z.boolean().optional(),
  /** How long the action may run on the node, in milliseconds; its own default when absent. */
  timeoutMs: z.number().int().positive().optional(),
  /** When it is stopped in any case, by the node's clock: it waited for its turn, and a deadline holds for all. */
  endBy: Moment.optional(),
});

const TriedBefore = z.strictObject({
  /** Public signing key of who sent it; absent where it was the same caller. */
  caller: bytesOf(32).optional(),
  id: bytesOf(16),
  /** It may not start after this. */
  until: Moment,
});
export type TriedBefore = z.infer<typeof TriedBefore>;

export const Command = ReservedFields.extend({
  /** 128 random bits. */
  id: bytesOf(16),
  job: z.string().regex(/^[0-9a-z]{1,40}$/),
  kind: z.enum(COMMAND_KINDS),
  issued: Moment,
  expires: Moment,
  /** Nothing starts after it. */
  startBy: Moment,
  target: Target,
  /** How it travels: `direct`, `all`, or `fact:<fact>=<value>`; has to equal the subject of arrival. */
  via: z.string().max(512),
  action: z.string().min(1).max(128),
  args: z.record(z.string(), z.unknown()),
  /** More arguments, which only the named nodes can read; `crit` has to name the field. Nothing that decides looks into it. */
  sealed: SealedArguments.optional(),
  reply: z.enum(['res', 'rec']),
  /** What the caller takes for an answer's signature besides `ed25519`, of what isn't recorded. @default nothing */
  accepts: z.array(z.enum(ALGORITHMS)).max(ALGORITHMS.length).optional(),
  options: CommandOptions,
  /**
   * The messages that this one tries again, with those that these tried again: a node where one of them ended ok repeats
   * nothing, and one that has not seen them never runs them. `crit` has to name the field.
   */
  retryOf: z.array(TriedBefore).min(1).max(LIMITS.retriesInMessage).optional(),
});
export type Command = z.infer<typeof Command>;

/** What an agent of this version acts on. `crit` may name these, and nothing else. */
export const COMMAND_FIELDS: ReadonlySet<string> = new Set([
  'id', 'job', 'kind', 'issued', 'expires', 'startBy', 'target', 'via', 'action', 'args', 'sealed', 'reply', 'accepts', 'options',
  'epochs', 'retryOf',
]); // prettier-ignore

export function encodeCommand(command: Command): Uint8Array {
  return encode(command);
}

/** Its bytes are views of the payload. @throws ProtocolError `malformed` */
export function decodeCommand(payload: Uint8Array): Command {
  const parsed = Command.safeParse(decodeViews(payload));
  if (!parsed.success) throw new ProtocolError('not a command', { code: 'malformed', cause: parsed.error });
  return parsed.data;
}
