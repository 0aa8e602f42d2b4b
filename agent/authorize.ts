/**
 * Fourth step: the caller's credential, the fleet's policy and the node's own have to allow it. Here by what needs no look
 * at the node: who may do nothing here costs little, and learns nothing. Conditions come later: authorize-conditions.ts.
 */
import { FleetError, RefusedError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { isSourced, outlineBoth, type BothCandidates, type Policies } from '../shared/policy/decide-both.ts';
import { nameRule } from '../shared/policy/words.ts';
import type { VerifiedCredential } from '../shared/trust.ts';
import type { Expression } from '../shared/where/expression.ts';
import { parseWhere } from '../shared/where/parse.ts';
import { pathsOf } from '../shared/where/terms.ts';
import { matchesLive, type LiveFacts } from './addressed.ts';
import { refuseByPolicy } from './refusals.ts';
import type { VerifiedCommand } from './verify.ts';

export interface AuthorizeDependencies {
  readonly node: string;
  readonly facts: LiveFacts;
  readonly log: Logger;
  readonly policies: () => Policies;
}

/** Who asks for what, and the rule that decided: what the log says once that is known. */
export interface Permission {
  readonly caller: string;
  readonly job: string;
  readonly action: string;
  readonly task: string | undefined;
  readonly rule: string;
}

/**
 * By role, action and task: the rules whose conditions are left to look at.
 * @throws RefusedError `no-policy`, `not-authorized`
 */
export function authorize(
  verified: VerifiedCommand,
  dependencies: Pick<AuthorizeDependencies, 'log' | 'policies'>,
): BothCandidates {
  const { command, caller } = verified;
  const { roles } = caller.credential.body;
  if (!mayEver(caller, command.action)) throw beyondCredential(verified, 'actions', dependencies.log);
  const { action } = command;
  const outlined = outlineBoth(dependencies.policies(), { roles, action, task: taskOf(verified) });
  if (!isSourced(outlined)) return outlined;
  throw refuse(verified, refuseByPolicy(askedBy(verified), outlined), nameRule(outlined), dependencies.log);
}

/** By where the caller's credential holds. @throws RefusedError `not-authorized` */
export async function authorizeHere(verified: VerifiedCommand, dependencies: AuthorizeDependencies): Promise<void> {
  if (await holdsHere(verified.caller, dependencies)) return;
  throw beyondCredential(verified, 'where', dependencies.log);
}

/** Whether the limits of a credential leave room for an action. */
export function mayEver({ credential }: VerifiedCredential, action: string): boolean {
  const { actions } = credential.body.limits;
  return actions === undefined || actions.includes(action);
}

/** Whether the limits of a credential leave room for this node. What can't be read allows nothing. */
export async function holdsHere(
  { credential }: VerifiedCredential,
  { node, facts }: Pick<AuthorizeDependencies, 'node' | 'facts'>,
): Promise<boolean> {
  const { where } = credential.body.limits;
  if (where === undefined) return true;
  let expression: Expression;
  try {
    expression = parseWhere(where);
  } catch (error) {
    if (error instanceof FleetError) return false;
    throw error;
  }
  return matchesLive({ expression, paths: pathsOf(expression) }, node, facts);
}

export function permission(verified: VerifiedCommand, rule: string): Permission {
  const { command, caller } = verified;
  const { name } = caller.credential.body;
  return { caller: name, job: command.job, action: command.action, task: taskOf(verified), rule };
}

/** Writes a refusal down, and gives it back to be thrown. */
export function refuse(verified: VerifiedCommand, refusal: RefusedError, rule: string, log: Logger): RefusedError {
  log.info(permission(verified, rule), 'refused');
  refusal.rule = rule;
  return refusal;
}

/** For sentences. */
export const askedBy = (
  verified: VerifiedCommand,
): { caller: string; roles: readonly string[]; action: string; task: string | undefined } => {
  const { name, roles } = verified.caller.credential.body;
  return { caller: name, roles, action: verified.command.action, task: taskOf(verified) };
};

const taskOf = ({ command: { action, args } }: VerifiedCommand): string | undefined =>
  action === 'task.run' && typeof args['task'] === 'string' ? args['task'] : undefined;

function beyondCredential(verified: VerifiedCommand, limit: 'actions' | 'where', log: Logger): RefusedError {
  const others = limit === 'actions' ? 'actions' : 'nodes';
  const { caller, action, task } = askedBy(verified);
  const what = task === undefined ? `the action ${action}` : `the task ${task}`;
  const refusal = new RefusedError(`${caller} may not run ${what} here: its credential is for other ${others}`, {
    code: 'not-authorized',
  });
  return refuse(verified, refusal, `credential.${limit}`, log);
}
