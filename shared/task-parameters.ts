/**
 * Checks what was given for a task's parameters against their declaration, and converts text to the declared types.
 * Pure, and on both ends: the controller asks before anything is sent, the node again before it runs anything.
 */
import { LIMITS } from './limits.ts';
import { nearestNames } from './names/nearest.ts';
import type { ParameterValue, TaskParameter, TaskSummary } from './wire/inventory.ts';

export type CheckedParameters =
  | { readonly values: Readonly<Record<string, ParameterValue>>; readonly problem?: undefined }
  /** One line that names the parameter, what it is, and what was given. */
  | { readonly problem: string };

type CheckedValue = { readonly value: ParameterValue; readonly problem?: undefined } | { readonly problem: string };

const SHOWN_VALUE_LENGTH = 80;

/**
 * `values` holds what was given, converted; defaults are left to the node, whose task may have others. Asynchronous
 * because the pattern engine is loaded when a parameter has a pattern.
 */
export async function checkParameters(
  task: Pick<TaskSummary, 'name' | 'parameters'>,
  given: Readonly<Record<string, unknown>>,
): Promise<CheckedParameters> {
  const values: Record<string, ParameterValue> = Object.create(null) as Record<string, ParameterValue>;
  for (const [name, raw] of Object.entries(given)) {
    if (!Object.hasOwn(task.parameters, name)) return { problem: describeUnknown(task, name) };
    const checked = await checkValue(task.parameters[name]!, raw);
    if (checked.problem !== undefined) {
      return {
        problem: `parameter ${name} of task ${task.name} must be ${checked.problem}, not ${show(name, task.parameters[name]!, raw)}`,
      };
    }
    values[name] = checked.value;
  }
  for (const [name, parameter] of Object.entries(task.parameters)) {
    if (!isRequired(parameter) || Object.hasOwn(given, name)) continue;
    return { problem: `task ${task.name} needs the parameter ${name} (${describeType(parameter)})` };
  }
  return { values };
}

/** A required parameter that has a default is never missing. */
function isRequired(parameter: TaskParameter): boolean {
  return parameter.required === true && parameter.default === undefined;
}

/** One value against its declaration; `problem` completes "must be …". */
export async function checkValue(parameter: TaskParameter, raw: unknown): Promise<CheckedValue> {
  const value = convert(parameter.type, raw);
  if (value === undefined) return { problem: describeType(parameter) };
  const { choices, min, max, pattern } = parameter;
  if (choices !== undefined && !choices.includes(value)) return { problem: `one of ${choices.join(', ')}` };
  if (typeof value === 'number') {
    if (min !== undefined && value < min) return { problem: `at least ${min}` };
    if (max !== undefined && value > max) return { problem: `at most ${max}` };
  }
  if (typeof value !== 'string') return { value };

  if (value.includes('\0')) return { problem: 'text without a zero byte' };
  if (Buffer.byteLength(value) > LIMITS.taskParameterBytes) {
    return { problem: `at most ${LIMITS.taskParameterBytes} bytes long` };
  }
  if (value.startsWith('-') && parameter.allowLeadingDash !== true && choices === undefined) {
    return { problem: 'text that does not begin with "-", which the program could take for an option' };
  }
  if (pattern !== undefined && !(await matchesWhole(pattern, value))) return { problem: `text that fits ${pattern}` };
  return { value };
}

/** Whether a value is kept out of messages and logs, by the name of its parameter. */
export function isSecretName(name: string): boolean {
  return /pass(word|wd|phrase|code)?|secret|token|key|credential|auth|cookie|(^|[-_])pin($|[-_])/i.test(name);
}

function convert(type: TaskParameter['type'], raw: unknown): ParameterValue | undefined {
  const isText = typeof raw === 'string';
  switch (type) {
    case 'string':
      return isText || typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined;
    case 'boolean':
      if (typeof raw === 'boolean') return raw;
      return raw === 'true' ? true : raw === 'false' ? false : undefined;
    case 'integer': {
      const value = isText && /^[+-]?\d+$/.test(raw) ? Number(raw) : raw;
      return Number.isSafeInteger(value) ? (value as number) : undefined;
    }
    case 'number': {
      const value = isText && /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(raw) ? Number(raw) : raw;
      return Number.isFinite(value) ? (value as number) : undefined;
    }
  }
}

async function matchesWhole(pattern: string, text: string): Promise<boolean> {
  const { compilePattern } = await import('./where/regex.ts');
  const compiled = compilePattern(pattern, false);
  return 'compiled' in compiled && compiled.compiled.testExact(text);
}

function describeType(parameter: TaskParameter): string {
  if (parameter.choices !== undefined) return `one of ${parameter.choices.join(', ')}`;
  return { string: 'text', integer: 'a whole number', number: 'a number', boolean: 'true or false' }[parameter.type];
}

function describeUnknown(task: Pick<TaskSummary, 'name' | 'parameters'>, name: string): string {
  const known = Object.keys(task.parameters);
  const [nearest] = nearestNames(name, known, 1);
  const takes = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
  const hint = nearest === undefined ? takes : `did you mean ${nearest}?`;
  return `task ${task.name} has no parameter ${JSON.stringify(name)}; ${hint}`;
}

function show(name: string, { sensitive }: TaskParameter, raw: unknown): string {
  if (sensitive === true || isSecretName(name)) return 'what was given (not shown)';
  const characters = [...(JSON.stringify(raw) ?? String(raw))];
  if (characters.length <= SHOWN_VALUE_LENGTH) return characters.join('');
  return `${characters.slice(0, SHOWN_VALUE_LENGTH).join('')}…`;
}
