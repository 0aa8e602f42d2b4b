import * as z from 'zod';
import { defineAction } from '../action.ts';
import { TaskSummary } from '../wire/inventory.ts';

const CollectorStatus = z.object({
  /** Milliseconds since the facts of this collector were collected; absent while they never were. */
  ageMs: z.number().optional(),
  tookMs: z.number().optional(),
  error: z.string().optional(),
});

export const inventory = defineAction({
  name: 'inventory',
  description: 'Everything a node says about itself: facts and their age, actions, tasks, versions, counters.',
  effect: 'reads',
  input: z.strictObject({}),
  output: z.object({
    agent: z.object({ version: z.string(), pid: z.number(), startedAt: z.number(), protocol: z.array(z.number()) }),
    facts: z.record(z.string(), z.unknown()),
    collectors: z.record(z.string(), CollectorStatus),
    actions: z.array(z.string()),
    tasks: z.array(TaskSummary),
    /** Task files, facts files and the like that were not accepted, each with its reason. */
    problems: z.array(z.object({ source: z.string(), reason: z.string() })),
    /** Messages counted by what became of them: `accepted`, `bad-signature`, … */
    counters: z.record(z.string(), z.number()),
  }),
  timeoutMs: 15_000,
});
