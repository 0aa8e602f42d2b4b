import * as z from 'zod';
import { defineAction } from '../action.ts';
import { LIMITS } from '../limits.ts';
import { ProgramOutcome } from './exec.ts';

export const logsRead = defineAction({
  name: 'logs.read',
  description: 'Reads the journal, that of one unit, or a log file; to its end, or as it grows.',
  effect: 'reads',
  input: z
    .strictObject({
      /** As systemd names it, `nginx` or `nginx.service`; `*` and `?` are any characters. */
      unit: z
        .string()
        .max(256)
        .regex(/^[A-Za-z0-9:_.@*?\\][A-Za-z0-9:_.@*?\\-]*$/)
        .optional(),
      /** Absolute path. The node decides which files may be read: those in its `logs.folders`. */
      file: z.string().startsWith('/').max(4096).optional(),
      /** How many lines are looked at, from the end. */
      lines: z.number().int().min(0).max(LIMITS.logLines).optional(),
      /** Milliseconds since the epoch; the journal alone knows when something was written. */
      since: z.number().int().nonnegative().optional(),
      /** Of those lines, the ones that this matches: RE2 syntax. */
      grep: z.string().max(LIMITS.patternBytes).optional(),
      /** Go on with what is written from now on. */
      follow: z.boolean().optional(),
    })
    .refine(({ unit, file }) => unit === undefined || file === undefined, {
      error: 'a unit or a file, not both',
      path: ['file'],
    })
    .refine(({ file, since }) => file === undefined || since === undefined, {
      error: 'the lines of a file have no time that is known: since is for the journal',
      path: ['since'],
    }),
  output: ProgramOutcome,
  timeoutMs: 30_000,
});
