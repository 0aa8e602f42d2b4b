import * as z from 'zod';
import { defineAction } from '../action.ts';
import { LIMITS } from '../limits.ts';
import { ParameterValue } from '../wire/inventory.ts';
import { ProgramOutcome } from './exec.ts';

export const taskRun = defineAction({
  name: 'task.run',
  description: 'Runs a task that the owner of the fleet defined.',
  /** A task may say `changes: false`; until a node has looked, running one changes something. */
  effect: 'changes',
  input: z.strictObject({
    task: z.string().min(1).max(LIMITS.taskNameBytes),
    args: z.record(z.string(), ParameterValue).optional(),
  }),
  output: ProgramOutcome,
  sealable: 'args',
  /** The task's own limit is the one that counts; this is the longest that a task may have. */
  timeoutMs: LIMITS.taskTimeoutMaxMs,
});
