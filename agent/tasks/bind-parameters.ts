/**
 * A task and what was given for its parameters → the program to run. Each template becomes exactly one argument,
 * whatever the values are: nothing is split, nothing is left out, no shell reads it.
 */
import { RefusedError } from '../../shared/errors.ts';
import { checkParameters, isSecretName } from '../../shared/task-parameters.ts';
import type { ParameterValue } from '../../shared/wire/inventory.ts';
import type { SecretValues } from '../../shared/wire/sealed-arguments.ts';
import type { Task } from './task.ts';
import { fillTemplate, type Template } from './template.ts';

export interface BoundTask {
  readonly argv: string[];
  /** What a dry run runs. */
  readonly check: string[] | undefined;
  readonly env: Record<string, string>;
  readonly stdin: string | undefined;
  /** `argv` for people's eyes: values of secret parameters are left out. */
  readonly shown: string[];
}

/**
 * @param given in the clear
 * @param secrets what came sealed: sensitive parameters, and only these
 * @throws RefusedError `invalid-input` that names the parameter, what it is, and, unless that is a secret, what was given
 */
export async function bindParameters(
  task: Task,
  given: Readonly<Record<string, ParameterValue>>,
  secrets: SecretValues = {},
): Promise<BoundTask> {
  assertSealedAsDeclared(task, Object.keys(given), Object.keys(secrets));
  const values = await valuesOf(task, { ...given, ...secrets });
  // A parameter that is neither given nor has a default is empty text, never a missing argument.
  const valueOf = (name: string): string => String(values[name] ?? '');
  const fill = (template: Template): string => fillTemplate(template, valueOf);
  return {
    argv: task.argv.map(fill),
    check: task.check?.map(fill),
    stdin: task.stdin === undefined ? undefined : fill(task.stdin),
    env: Object.fromEntries(Object.entries(task.env).map(([name, template]) => [name, fill(template)])),
    shown: task.argv.map((template) =>
      fillTemplate(template, (name) => (isSecretName(name) ? '(not shown)' : valueOf(name))),
    ),
  };
}

/**
 * What each parameter is that didn't come sealed, as bindParameters will have it.
 * @throws RefusedError as bindParameters does
 */
export async function openParameters(
  task: Task,
  given: Readonly<Record<string, ParameterValue>>,
  sealed: readonly string[],
): Promise<Readonly<Record<string, ParameterValue>>> {
  assertSealedAsDeclared(task, Object.keys(given), sealed);
  const parameters = Object.entries(task.parameters).filter(([name]) => !sealed.includes(name));
  return valuesOf({ ...task, parameters: Object.fromEntries(parameters) }, given);
}

/** Given and converted to its type, or its default; what is neither is left out. */
async function valuesOf(
  task: Pick<Task, 'name' | 'parameters'>,
  given: Readonly<Record<string, ParameterValue>>,
): Promise<Readonly<Record<string, ParameterValue>>> {
  const checked = await checkParameters(task, given);
  if (checked.problem !== undefined) throw new RefusedError(checked.problem, { code: 'invalid-input' });
  const values: Record<string, ParameterValue> = Object.create(null) as Record<string, ParameterValue>;
  for (const [name, parameter] of Object.entries(task.parameters)) {
    const value = Object.hasOwn(checked.values, name) ? checked.values[name] : parameter.default;
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function assertSealedAsDeclared(task: Task, given: readonly string[], sealed: readonly string[]): void {
  const sensitive = (name: string): boolean =>
    Object.hasOwn(task.parameters, name) && task.parameters[name]?.sensitive === true;
  const open = given.find(sensitive);
  if (open !== undefined)
    throw new RefusedError(`parameter ${open} of task ${task.name} is sensitive here, and didn't come sealed`, {
      code: 'invalid-input',
    });
  const needless = sealed.find((name) => Object.hasOwn(task.parameters, name) && !sensitive(name));
  if (needless !== undefined)
    throw new RefusedError(
      `parameter ${needless} of task ${task.name} came sealed, and isn't declared as sensitive here`,
      {
        code: 'invalid-input',
      },
    );
}
