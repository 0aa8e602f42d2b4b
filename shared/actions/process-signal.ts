import * as z from 'zod';
import { defineAction } from '../action.ts';
import { LIMITS } from '../limits.ts';
import { meansEveryProcess, ProcessSelector } from './process-list.ts';

/** One process of a kill; `reason` says why it was spared, or why it remains. */
export const SignalledProcess = z.object({ pid: z.number().int(), name: z.string(), reason: z.string().optional() });
export type SignalledProcess = z.infer<typeof SignalledProcess>;

export const SIGNALS = ['TERM', 'KILL', 'INT', 'QUIT', 'HUP', 'USR1', 'USR2', 'STOP', 'CONT', 'ABRT', 'WINCH'] as const;

export const processSignal = defineAction({
  name: 'process.signal',
  description: 'Signals processes; those that should end and do not get KILL after a grace.',
  effect: 'changes',
  input: z.strictObject({
    /** Needs a user, or a pattern that isn't stars alone: never "everything". */
    select: ProcessSelector.refine((select) => !meansEveryProcess(select), {
      error: 'a kill needs a name or a user: it never means every process',
    }),
    signal: z.enum(SIGNALS),
    /** How long to wait after a signal that should end a process before KILL follows, in milliseconds. */
    graceMs: z.number().int().nonnegative().max(LIMITS.killGraceMaxMs),
  }),
  /**
   * `signalled`: got the signal (in a dry run: would get it). `gone`: of those, ended by the time of the answer, or
   * had ended before the signal. `remaining`: still there though the signal should have ended them. `spared`: matched and left alone.
   */
  output: z.object({
    signalled: z.array(SignalledProcess),
    gone: z.array(SignalledProcess),
    remaining: z.array(SignalledProcess),
    spared: z.array(SignalledProcess),
  }),
  timeoutMs: 30_000,
});
