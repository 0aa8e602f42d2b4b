/**
 * What a node publishes about itself, and keeps current: a small head (identity, indexed facts, hashes, revision) and a
 * body (facts, actions, tasks). Both travel as signed envelopes that name their own subject.
 */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';

/** What a task parameter may be; text from a command line is converted to the declared type before it's sent. */
export const ParameterValue = z.union([z.string(), z.number(), z.boolean()]);
export type ParameterValue = z.infer<typeof ParameterValue>;

export const PARAMETER_TYPES = ['string', 'integer', 'number', 'boolean'] as const;

export const TaskParameter = z.object({
  type: z.enum(PARAMETER_TYPES),
  description: z.string().optional(),
  required: z.boolean().optional(),
  default: ParameterValue.optional(),
  /** The only values allowed. */
  choices: z.array(ParameterValue).optional(),
  /** RE2 pattern that the whole text has to match; strings only. */
  pattern: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
});
export type TaskParameter = z.infer<typeof TaskParameter>;

/** A task as the controller sees it: enough to check arguments before anything is sent. */
export const TaskSummary = z.object({
  name: z.string().max(LIMITS.taskNameBytes),
  description: z.string().optional(),
  /** Whether running it changes something; decides whether it needs named nodes. */
  changes: z.boolean(),
  /** Whether `--dry-run` has a check to run. */
  check: z.boolean(),
  timeoutMs: z.number().optional(),
  parameters: z.record(z.string(), TaskParameter),
});
export type TaskSummary = z.infer<typeof TaskSummary>;
