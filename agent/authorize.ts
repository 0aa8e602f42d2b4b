/** Fourth step: the caller's credential and the node's policy both have to allow it. Every decision is logged. */
import { FleetError, RefusedError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { Expression } from '../shared/where/expression.ts';
import { parseWhere } from '../shared/where/parse.ts';
import { pathsOf } from '../shared/where/terms.ts';
import { matchesLive, type LiveFacts } from './addressed.ts';
import { decide, type Policy } from './policy.ts';
import type { VerifiedCommand } from './verify.ts';

export interface AuthorizeDependencies {
  readonly node: string;
  readonly facts: LiveFacts;
  readonly log: Logger;
  readonly policy: () => Policy;
}

/** Who was allowed what, and by which rule: what the log says once the command is known to be for this node. */
export interface Permission {
  readonly caller: string;
  readonly job: string;
  readonly action: string;
  readonly task: string | undefined;
  readonly rule: string;
}

/**
 * By role, action and task. Looks at nothing of the node but its policy: who may do nothing here costs little, and
 * learns nothing.
 * @throws RefusedError `not-authorized`
 */
export function authorize(
  verified: VerifiedCommand,
  dependencies: Pick<AuthorizeDependencies, 'log' | 'policy'>,
): Permission {
  const { command, caller } = verified;
  const { roles, limits } = caller.credential.body;
  if (limits.actions !== undefined && !limits.actions.includes(command.action))
    throw refuse(verified, 'its credential is for other actions', 'credential.actions', dependencies);
  const { action } = command;
  const decision = decide(dependencies.policy(), { roles, action, task: taskOf(verified) });
  if (decision.allowed) return permission(verified, decision.rule);
  const why = roles.length === 0 ? 'it has no role' : `no rule for ${roles.join(', ')} allows it`;
  throw refuse(verified, why, decision.rule, dependencies);
}

/** By where the caller's credential holds. @throws RefusedError `not-authorized` */
export async function authorizeHere(verified: VerifiedCommand, dependencies: AuthorizeDependencies): Promise<void> {
  const { where } = verified.caller.credential.body.limits;
  if (where === undefined || (await isWithin(where, dependencies))) return;
  throw refuse(verified, 'its credential is for other nodes', 'credential.where', dependencies);
}

const taskOf = ({ command: { action, args } }: VerifiedCommand): string | undefined =>
  action === 'task.run' && typeof args['task'] === 'string' ? args['task'] : undefined;

function permission(verified: VerifiedCommand, rule: string): Permission {
  const { command, caller } = verified;
  const { name } = caller.credential.body;
  return { caller: name, job: command.job, action: command.action, task: taskOf(verified), rule };
}

function refuse(verified: VerifiedCommand, why: string, rule: string, { log }: { log: Logger }): RefusedError {
  const asked = permission(verified, rule);
  log.info(asked, 'refused');
  const what = asked.task === undefined ? `the action ${asked.action}` : `the task ${asked.task}`;
  return new RefusedError(`${asked.caller} may not run ${what} here: ${why}`, { code: 'not-authorized' });
}

/** What can't be read allows nothing. */
async function isWithin(where: string, { node, facts }: AuthorizeDependencies): Promise<boolean> {
  let expression: Expression;
  try {
    expression = parseWhere(where);
  } catch (error) {
    if (error instanceof FleetError) return false;
    throw error;
  }
  return matchesLive({ expression, paths: pathsOf(expression) }, node, facts);
}
