import * as z from 'zod';
import { defineAction } from '../action.ts';
import { LIMITS } from '../limits.ts';

/** Without paths: the whole document. With paths: `{path: value}`, and a path the node lacks is left out. */
export const factsGet = defineAction({
  name: 'facts.get',
  description: "Reads a node's facts, all of them or the paths asked for.",
  effect: 'reads',
  input: z.strictObject({
    paths: z.array(z.string().max(LIMITS.factPathBytes)).max(LIMITS.factPaths).optional(),
    /** Collect again before answering, instead of using what was collected last. */
    fresh: z.boolean().optional(),
  }),
  output: z.record(z.string(), z.unknown()),
  timeoutMs: 15_000,
});
