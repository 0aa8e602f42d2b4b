/**
 * What a task file may say, and nothing else. Types only: what has to hold between the fields (placeholders and
 * parameters, defaults and their types) is checked in task-checks.ts. docs/tasks.md says the same to users.
 */
import * as z from 'zod';
import { LIMITS } from '../../shared/limits.ts';
import { ParameterValue, PARAMETER_TYPES } from '../../shared/wire/inventory.ts';
import { PARAMETER_NAME } from './template.ts';

const TASK_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Unquoted `{{name}}` is a map in YAML: the most common slip. */
const Text = z.string({
  error: ({ input }) =>
    typeof input === 'object' && input !== null ? 'must be text; put quotes round a placeholder' : 'must be text',
});
const Argument = Text.refine((text) => !text.includes('\0'), { error: 'must not have a zero byte in it' });

const Arguments = z
  .array(Argument, { error: 'must be a list: the program, then its arguments' })
  .min(1, { error: 'must have the program at least' })
  .max(LIMITS.argvItems);

const Duration = z
  .string({ error: 'must be a duration with its unit, such as 90s or 10m' })
  .transform((text, context) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
    const ms = Number(amount) * UNITS[(unit ?? 'ms') as keyof typeof UNITS];
    if (ms > 0 && ms <= LIMITS.taskTimeoutMaxMs) return Math.ceil(ms);
    const message =
      unit === undefined
        ? 'must be a duration with its unit, such as 90s or 10m'
        : 'must be more than 0, and at most 7d';
    context.addIssue({ code: 'custom', message, input: text });
    return z.NEVER;
  });

export const TaskFileParameter = z.strictObject({
  type: z.enum(PARAMETER_TYPES, { error: `must be one of ${PARAMETER_TYPES.join(', ')}` }).default('string'),
  description: Text.optional(),
  required: z.boolean().optional(),
  default: ParameterValue.optional(),
  choices: z.array(ParameterValue).min(1).optional(),
  pattern: Text.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  allowLeadingDash: z.boolean().optional(),
  /** A secret: it comes sealed, goes into `env` or `stdin` alone, and is never shown. @default false */
  sensitive: z.boolean().optional(),
});
export type TaskFileParameter = z.infer<typeof TaskFileParameter>;

const ParameterName = z.string().regex(PARAMETER_NAME, {
  error: 'a parameter is named with letters, digits, "_" and "-", a letter first',
});

export const TaskName = z
  .string({ error: 'must be text' })
  .max(LIMITS.taskNameBytes)
  .regex(TASK_NAME, { error: 'a task is named with letters, digits, ".", "_", ":" and "-", a letter or digit first' });

export const TaskFile = z.strictObject(
  {
    /** @default the file's name without its ending */
    name: TaskName.optional(),
    description: Text.optional(),
    /** Program and arguments, with placeholders. */
    argv: Arguments,
    // A parameter without anything said about it is text: `name:` alone in YAML is null.
    parameters: z
      .record(
        ParameterName,
        z.preprocess((value) => value ?? {}, TaskFileParameter),
      )
      .optional(),
    /** Name or number. @default the agent's own */
    user: z.union([z.string().min(1).max(64), z.number().int().nonnegative().transform(String)]).optional(),
    /** A relative one starts at the folder of the file. @default '/' */
    cwd: Text.optional(),
    /** Values may have placeholders. */
    env: z
      .record(z.string().regex(ENVIRONMENT_NAME, { error: 'is no name for an environment variable' }), Argument)
      .optional(),
    /** What the program reads on its standard input; may have placeholders. @default an end of file */
    stdin: Text.optional(),
    timeout: Duration.optional(),
    /** One at a time on the node. @default false */
    exclusive: z.boolean().optional(),
    /** @default true */
    changes: z.boolean().optional(),
    /** What a dry run runs; like `argv`. */
    check: Arguments.optional(),
  },
  { error: ({ code }) => (code === 'invalid_type' ? 'must be a map with `argv` at least' : undefined) },
);
export type TaskFile = z.infer<typeof TaskFile>;
