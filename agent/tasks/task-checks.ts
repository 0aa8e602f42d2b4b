/** What has to hold between the fields of a task file, each with the path of the field that is wrong. */
import { resolve } from 'node:path';
import { checkValue } from '../../shared/task-parameters.ts';
import type { ParameterValue, TaskParameter } from '../../shared/wire/inventory.ts';
import { compilePattern } from '../../shared/where/regex.ts';
import type { TaskFile, TaskFileParameter } from './task-file.ts';
import type { Task } from './task.ts';
import { leadingParameters, parametersIn, parseTemplate, type Template } from './template.ts';

export type Path = readonly (string | number)[];
export type Report = (path: Path, reason: string) => void;

/** The task, or undefined when something was reported. */
export async function checkTask(
  file: TaskFile,
  place: { name: string; folder: string },
  report: Report,
): Promise<Task | undefined> {
  let failed = false;
  const fail: Report = (path, reason) => {
    failed = true;
    report(path, reason);
  };
  const declared = file.parameters ?? {};
  const parse = (source: string, path: Path): Template => {
    const parsed = parseTemplate(source);
    if (parsed.problem !== undefined) {
      fail(path, parsed.problem);
      return [];
    }
    for (const name of parametersIn(parsed.template)) {
      if (!Object.hasOwn(declared, name)) fail(path, `{{${name}}} is not among the parameters`);
    }
    return parsed.template;
  };
  const isSensitive = (name: string): boolean => Object.hasOwn(declared, name) && declared[name]?.sensitive === true;
  const parseArguments = (items: readonly string[], field: string): Template[] => {
    const templates = items.map((item, index) => parse(item, [field, index]));
    for (const [index, template] of templates.entries())
      for (const name of parametersIn(template).filter(isSensitive))
        fail(
          [field, index],
          `{{${name}}} is sensitive, and every user of the node can see arguments: use env or stdin`,
        );
    if (parametersIn(templates[0] ?? []).length > 0) fail([field, 0], 'the program itself must not be a parameter');
    if (items[0] === '') fail([field, 0], 'the name of the program is empty');
    return templates;
  };

  const argv = parseArguments(file.argv, 'argv');
  const check = file.check === undefined ? undefined : parseArguments(file.check, 'check');
  const env = Object.entries(file.env ?? {}).map(([name, value]) => [name, parse(value, ['env', name])] as const);
  const stdin = file.stdin === undefined ? undefined : parse(file.stdin, ['stdin']);
  const leading = new Set([...argv, ...(check ?? [])].flatMap(leadingParameters));
  const parameters: Record<string, TaskParameter> = {};
  for (const [name, parameter] of Object.entries(declared)) {
    const allowLeadingDash = parameter.allowLeadingDash ?? !leading.has(name);
    const checked = await checkDeclaration({ ...parameter, allowLeadingDash }, (path, reason) =>
      fail(['parameters', name, ...path], reason),
    );
    parameters[name] = checked;
  }
  if (failed) return undefined;
  return {
    name: place.name,
    description: file.description,
    argv,
    check,
    parameters,
    user: file.user,
    cwd: file.cwd === undefined ? undefined : resolve(place.folder, file.cwd),
    env: Object.fromEntries(env),
    stdin,
    timeoutMs: file.timeout,
    exclusive: file.exclusive ?? false,
    changes: file.changes ?? true,
  };
}

/**
 * A secret that others could have read is none: not one that stands in this file. It has to be given, unless the file says
 * otherwise: an empty password is never what was meant.
 */
function checkSensitive(parameter: TaskFileParameter, fail: Report): TaskParameter {
  const { type, pattern, required = true } = parameter;
  for (const field of ['default', 'choices', 'min', 'max'] as const)
    if (parameter[field] !== undefined) fail([field], 'is not for a sensitive parameter');
  if (type !== 'string') fail(['type'], 'a sensitive parameter is text: leave the type out');
  const compiled = pattern === undefined ? undefined : compilePattern(pattern, false);
  if (compiled !== undefined && 'problem' in compiled) fail(['pattern'], `expected ${compiled.problem}`);
  return { ...parameter, required };
}

/** The parameter with its default and choices converted to its type. */
async function checkDeclaration(parameter: TaskFileParameter, fail: Report): Promise<TaskParameter> {
  const { type, pattern, min, max } = parameter;
  if (parameter.sensitive === true) return checkSensitive(parameter, fail);
  const isNumber = type === 'integer' || type === 'number';
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern, false);
    if (type !== 'string') fail(['pattern'], 'only text can have a pattern');
    else if ('problem' in compiled) fail(['pattern'], `expected ${compiled.problem}`);
  }
  for (const [field, value] of Object.entries({ min, max })) {
    if (value !== undefined && !isNumber) fail([field], 'only numbers can have a smallest or largest value');
  }
  if (min !== undefined && max !== undefined && min > max) fail(['min'], 'is larger than max');

  // The author's own values may begin with a dash; choices limit the default, not one another.
  const own: TaskParameter = { ...parameter, allowLeadingDash: true };
  const { choices: listed, ...unlimited } = own;
  const convert = async (declaration: TaskParameter, value: ParameterValue, path: Path): Promise<ParameterValue> => {
    const checked = await checkValue(declaration, value);
    if (checked.problem === undefined) return checked.value;
    fail(path, `must be ${checked.problem}`);
    return value;
  };
  const choices: ParameterValue[] = [];
  for (const [index, choice] of (listed ?? []).entries()) {
    choices.push(await convert(unlimited, choice, ['choices', index]));
  }
  const limited: TaskParameter = listed === undefined ? own : { ...own, choices };
  return {
    ...parameter,
    ...(listed !== undefined && { choices }),
    ...(parameter.default !== undefined && { default: await convert(limited, parameter.default, ['default']) }),
  };
}
