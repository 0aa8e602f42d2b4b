import * as z from 'zod';
import { defineAction } from '../action.ts';

export const ping = defineAction({
  name: 'ping',
  description: 'Answers, so that you know who is there and how far away.',
  effect: 'reads',
  input: z.strictObject({}),
  output: z.object({
    version: z.string(),
    uptimeMs: z.number(),
    /** Revisions that hold on the node; 0 where there is none. */
    epochs: z.object({ policy: z.number(), revoked: z.number() }).optional(),
  }),
  timeoutMs: 5_000,
});
