/** What `fleet policy test` asks: words from the command line → a request and its circumstances. */
import { UsageError } from '../../shared/errors.ts';
import type { Approver } from '../../shared/policy/circumstances.ts';
import { ACTIONS } from '../../shared/actions/all.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { EVERYBODY, type TravellingPolicy } from '../../shared/policy/policy.ts';
import { checkParameters } from '../../shared/task-parameters.ts';
import type { Facts } from '../../shared/where/find.ts';
import type { TaskSummary } from '../../shared/wire/inventory.ts';

/** @throws UsageError `unknown-role` */
export function assertRolesKnown(roles: readonly string[], policy: TravellingPolicy): void {
  const known = Object.keys(policy.roles).filter((role) => role !== EVERYBODY);
  const unknown = roles.find((role) => !known.includes(role));
  if (unknown === undefined) return;
  const [nearest] = nearestNames(unknown, known, 1);
  throw new UsageError(`the policy says nothing of the role ${unknown}`, {
    code: 'unknown-role',
    hint: nearest === undefined ? `It knows ${known.join(', ')}.` : `Did you mean ${nearest}?`,
  });
}

/** @throws UsageError `no-such-action`, `bad-parameter` */
export function readActionArgs(action: string, given: Readonly<Record<string, string>>): Facts {
  const definition = ACTIONS.get(action);
  if (definition === undefined) {
    const [nearest] = nearestNames(action, ACTIONS.keys(), 1);
    throw new UsageError(`there is no action ${action}`, {
      code: 'no-such-action',
      hint: nearest === undefined ? `There are ${[...ACTIONS.keys()].join(', ')}.` : `Did you mean ${nearest}?`,
    });
  }
  // A number may be meant as text: whichever reading the action takes.
  const readings = [readValues(given), given];
  const parsed = readings.map((args) => definition.input.safeParse(args));
  const fitting = parsed.find(({ success }) => success);
  if (fitting?.success === true) return fitting.data as Facts;
  const issue = parsed[0]?.error?.issues[0];
  throw new UsageError(`${action} can't be run with that: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
    code: 'bad-parameter',
    hint: 'Write values as JSON where they are no text: argv=\'["uname","-r"]\'.',
  });
}

/**
 * As the node's definition of the task understands them; without one as they look, a number as a number.
 * @throws UsageError `bad-parameter`
 */
export async function readTaskArgs(
  given: Readonly<Record<string, string>>,
  task: TaskSummary | undefined,
): Promise<Facts> {
  if (task === undefined) return readValues(given);
  const checked = await checkParameters(task, given);
  if (checked.problem !== undefined) throw new UsageError(checked.problem, { code: 'bad-parameter' });
  const defaults = Object.entries(task.parameters).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(defaults), ...checked.values };
}

function readValues(given: Readonly<Record<string, string>>): Facts {
  return Object.fromEntries(Object.entries(given).map(([key, text]) => [key, readValue(text)]));
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @throws UsageError `bad-value` */
export function readTime(text: string | undefined, now: number): number {
  if (text === undefined) return now;
  // Without a zone it would be the clock of this machine, which says nothing about a node.
  const at = /(Z|[+-]\d\d:?\d\d)$/i.test(text) ? Date.parse(text) : NaN;
  if (Number.isFinite(at)) return at;
  throw new UsageError(`--at can't be "${text}"`, {
    code: 'bad-value',
    hint: 'Expected a time with its zone, such as 2026-11-24T14:00Z or 2026-11-24T14:00+01:00.',
  });
}

/** One for each role, each somebody else. */
export const approversWith = (roles: readonly string[]): Approver[] =>
  roles.map((role, index) => ({ name: `approver-${index + 1}`, roles: [role] }));
