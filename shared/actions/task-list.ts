import * as z from 'zod';
import { defineAction } from '../action.ts';
import { TaskSummary } from '../wire/inventory.ts';

export const taskList = defineAction({
  name: 'task.list',
  description: 'Lists the tasks of a node, with their parameters, and the task files it did not accept.',
  effect: 'reads',
  input: z.strictObject({}),
  output: z.object({
    tasks: z.array(TaskSummary),
    problems: z.array(z.object({ source: z.string(), reason: z.string() })),
  }),
  timeoutMs: 10_000,
});
