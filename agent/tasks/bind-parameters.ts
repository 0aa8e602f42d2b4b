/**
 * A task and what was given for its parameters → the program to run. Each template becomes exactly one argument,
 * whatever the values are: nothing is split, nothing is left out, no shell reads it.
 */
import { RefusedError } from '../../shared/errors.ts';
import { checkParameters, isSecretName } from '../../shared/task-parameters.ts';
import type { ParameterValue } from '../../shared/wire/inventory.ts';
import type { Task } from './task.ts';
import { fillTemplate, type Template } from './template.ts';

export interface BoundTask {
  readonly argv: string[];
  /** What a dry run runs. */
  readonly check: string[] | undefined;
  readonly env: Record<string, string>;
  /** `argv` for people's eyes: values of secret parameters are left out. */
  readonly shown: string[];
}

/** Throws a `RefusedError` `invalid-input` that names the parameter, what it is, and what was given. */
export async function bindParameters(task: Task, given: Readonly<Record<string, ParameterValue>>): Promise<BoundTask> {
  const checked = await checkParameters(task, given);
  if (checked.problem !== undefined) throw new RefusedError(checked.problem, { code: 'invalid-input' });

  const { values } = checked;
  // A parameter that is neither given nor has a default is empty text, never a missing argument.
  const valueOf = (name: string): string => String(values[name] ?? task.parameters[name]?.default ?? '');
  const fill = (template: Template): string => fillTemplate(template, valueOf);
  return {
    argv: task.argv.map(fill),
    check: task.check?.map(fill),
    env: Object.fromEntries(Object.entries(task.env).map(([name, template]) => [name, fill(template)])),
    shown: task.argv.map((template) =>
      fillTemplate(template, (name) => (isSecretName(name) ? '(not shown)' : valueOf(name))),
    ),
  };
}
