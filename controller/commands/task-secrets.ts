/**
 * Which parameters of a task are secrets, as the nodes that are meant define it, and what is given for them. Where one
 * node says so it counts for all: what goes to the others in the clear can be read on its way.
 */
import type { TaskSummary } from '../../shared/wire/inventory.ts';
import { readSecrets, type SecretSources } from '../options/read-secret.ts';
import type { TargetSpec } from '../resolve.ts';
import { assertTrustedTarget } from '../sealable.ts';

export interface GivenParameters {
  readonly open: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Reads what is secret of it, and asks for what is missing, if every node that has the task needs it: nobody is to be made
 * to type a password by one node alone.
 * @throws UsageError
 */
export async function readTaskSecrets(
  definitions: readonly TaskSummary[],
  given: Readonly<Record<string, string>>,
  target: TargetSpec,
  sources: SecretSources,
): Promise<GivenParameters> {
  const sensitive = sensitiveNames(definitions);
  const missing = [...sensitive].filter(
    (name) =>
      !Object.hasOwn(given, name) &&
      definitions.every(({ parameters }) => {
        const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
        return parameter?.sensitive === true && parameter.required === true;
      }),
  );
  const named = Object.entries(given).filter(([name]) => sensitive.has(name));
  const wanted = new Map([...named, ...missing.map((name) => [name, undefined] as const)]);
  if (wanted.size > 0) assertTrustedTarget(target);
  return {
    open: Object.fromEntries(Object.entries(given).filter(([name]) => !sensitive.has(name))),
    secrets: wanted.size === 0 ? {} : await readSecrets(wanted, sources),
  };
}

/** Those that any of the definitions calls sensitive. */
export function sensitiveNames(definitions: readonly TaskSummary[]): ReadonlySet<string> {
  return new Set(
    definitions.flatMap(({ parameters }) =>
      Object.entries(parameters).flatMap(([name, { sensitive }]) => (sensitive === true ? [name] : [])),
    ),
  );
}

/** The same task with all of them sensitive: no message about it shows what was given. */
export function hiding(task: TaskSummary, names: ReadonlySet<string>): TaskSummary {
  const parameters = Object.entries(task.parameters).map(
    ([name, parameter]) => [name, names.has(name) ? { ...parameter, sensitive: true } : parameter] as const,
  );
  return { ...task, parameters: Object.fromEntries(parameters) };
}
