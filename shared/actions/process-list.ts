import * as z from 'zod';
import { defineAction } from '../action.ts';
import { LIMITS } from '../limits.ts';

/** Which processes are meant; conditions are ANDed, none means all. */
export const ProcessSelector = z.strictObject({
  /**
   * Name, exact or a glob (`*`, `?`): that of the process, or of the file it runs. With `full` it's about the command
   * line: a part of it or, as a glob, all of it.
   */
  pattern: z.string().min(1).max(LIMITS.processPatternBytes).optional(),
  full: z.boolean().optional(),
  /** User name or number of the effective user. */
  user: z.string().min(1).max(64).optional(),
  /** Only processes that have run for at least this long, in milliseconds. */
  olderMs: z.number().int().nonnegative().optional(),
});
export type ProcessSelector = z.infer<typeof ProcessSelector>;

/** Whether a selector leaves the choice of processes open: a kill refuses that. */
export function meansEveryProcess({ pattern, user }: ProcessSelector): boolean {
  return user === undefined && (pattern === undefined || /^[*?]*$/.test(pattern));
}

const ProcessEntry = z.object({
  pid: z.number().int(),
  ppid: z.number().int(),
  user: z.string(),
  name: z.string(),
  /** The command line, arguments joined by spaces; `[name]` for a kernel thread. */
  command: z.string(),
  /** When it started, ISO 8601 in UTC. */
  started: z.string(),
});

export const processList = defineAction({
  name: 'process.list',
  description: 'Lists processes, and says whether as many run as should.',
  effect: 'reads',
  input: z.strictObject({
    select: ProcessSelector,
    /** How many are expected, both ends included; outside of it the node ends `failed`. */
    expect: z
      .strictObject({ min: z.number().int().nonnegative(), max: z.number().int().nonnegative().nullable() })
      .optional(),
  }),
  output: z.object({ processes: z.array(ProcessEntry), count: z.number().int() }),
  timeoutMs: 10_000,
});
