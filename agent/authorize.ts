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

/** @throws RefusedError `not-authorized` */
export async function authorize(verified: VerifiedCommand, dependencies: AuthorizeDependencies): Promise<void> {
  const { command, caller } = verified;
  const { name, roles, limits } = caller.credential.body;
  const task =
    command.action === 'task.run' && typeof command.args['task'] === 'string' ? command.args['task'] : undefined;
  const what = task === undefined ? `the action ${command.action}` : `the task ${task}`;
  const refuse = (why: string, rule: string): RefusedError => {
    dependencies.log.info({ caller: name, job: command.job, action: command.action, task, rule }, 'refused');
    return new RefusedError(`${name} may not run ${what} here: ${why}`, { code: 'not-authorized' });
  };
  if (limits.actions !== undefined && !limits.actions.includes(command.action))
    throw refuse('its credential is for other actions', 'credential.actions');
  if (limits.where !== undefined && !(await isWithin(limits.where, dependencies)))
    throw refuse('its credential is for other nodes', 'credential.where');
  const decision = decide(dependencies.policy(), { roles, action: command.action, task });
  if (!decision.allowed)
    throw refuse(roles.length === 0 ? 'it has no role' : `no rule for ${roles.join(', ')} allows it`, decision.rule);
  dependencies.log.info(
    { caller: name, job: command.job, action: command.action, task, rule: decision.rule },
    'allowed',
  );
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
