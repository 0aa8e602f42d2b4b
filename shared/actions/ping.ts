import * as z from 'zod';
import { defineAction } from '../action.ts';

export const ping = defineAction({
  name: 'ping',
  description: 'Answers, so that you know who is there and how far away.',
  effect: 'reads',
  input: z.strictObject({}),
  output: z.object({ version: z.string(), uptimeMs: z.number() }),
  timeoutMs: 5_000,
});
