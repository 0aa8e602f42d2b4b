/** What `fleet emulate` says to the processes that hold its nodes, and what they say back: over the channel that Node gives a child. */
import * as z from 'zod';

const Share = z.number().min(0).max(1);

export const EmulationOrders = z.strictObject({
  /** Names are the prefix and a number of so many digits. */
  names: z.strictObject({
    prefix: z.string(),
    digits: z.number().int().positive(),
    first: z.number().int().nonnegative(),
    count: z.number().int().positive(),
  }),
  /** Each node has one of its own in it. */
  folder: z.string(),
  /** File that says how facts are drawn. */
  facts: z.string(),
  seed: z.string(),
  /** What the processes of a node have in their environment, so that it sees those and no others: `variable=mark/node`. */
  processes: z.strictObject({ variable: z.string(), mark: z.string() }),
  misbehavior: z.strictObject({
    latencyMs: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
    failure: Share,
    silence: Share,
    flapping: Share,
  }),
  /** How those who have not joined do so. */
  join: z.strictObject({ url: z.string(), token: z.string() }).optional(),
  /** Goes on when whoever started it has gone. */
  isDetached: z.boolean(),
});
export type EmulationOrders = z.infer<typeof EmulationOrders>;

export const EmulationReport = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('waiting') }),
  z.strictObject({ type: z.literal('progress'), joined: z.number(), ready: z.number() }),
  /** A node that could not be brought up. */
  z.strictObject({ type: z.literal('failed'), node: z.string(), reason: z.string() }),
]);
export type EmulationReport = z.infer<typeof EmulationReport>;

export const nodeName = ({ prefix, digits }: EmulationOrders['names'], number: number): string =>
  `${prefix}${String(number).padStart(digits, '0')}`;
