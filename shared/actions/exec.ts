import * as z from 'zod';
import { defineAction } from '../action.ts';
import { LIMITS } from '../limits.ts';

/** Where output was cut: the middle is dropped, head and tail are kept. Absent where nothing was dropped. */
const Truncated = z.object({ stdout: z.number().optional(), stderr: z.number().optional() });

/**
 * What a program left behind. `exit` is null when a signal ended it, `signal` has the name that `kill` takes (`TERM`);
 * `truncated` counts dropped bytes per stream.
 */
export const ProgramOutcome = z.object({
  exit: z.number().nullable(),
  signal: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: Truncated.nullable(),
});
export type ProgramOutcome = z.infer<typeof ProgramOutcome>;

export const exec = defineAction({
  name: 'exec',
  description: 'Runs a program by its arguments; through a shell only when asked.',
  effect: 'changes',
  input: z
    .strictObject({
      /** Program and arguments. With `shell`, exactly one item: the command line for `/bin/sh -c`. */
      argv: z.array(z.string()).min(1).max(LIMITS.argvItems),
      shell: z.boolean().optional(),
      user: z.string().min(1).max(64).optional(),
      cwd: z.string().min(1).max(4096).optional(),
      env: z.record(z.string(), z.string()).optional(),
      stdin: z.string().optional(),
    })
    .refine(({ argv, shell }) => !shell || argv.length === 1, {
      error: 'a shell takes one command line: give it as one argument',
      path: ['argv'],
    }),
  output: ProgramOutcome,
  sealable: 'env',
  timeoutMs: 60_000,
});
