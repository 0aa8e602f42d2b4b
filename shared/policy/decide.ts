/**
 * Who may do what: default deny, deny beats allow, and what can't be told never allows. In two steps, so that a node looks
 * at nothing for who may do nothing: first by role and name (`outline`), then by the conditions of the rules left.
 */
import type { Circumstances } from './circumstances.ts';
import type { CompiledApprovals, CompiledPolicy, CompiledRole, CompiledRule } from './compile.ts';
import { areApproved, conditionsHold } from './evaluate.ts';
import { EVERYBODY } from './policy.ts';

export interface PolicyRequest {
  readonly roles: readonly string[];
  readonly action: string;
  /** With `task.run`: which one. */
  readonly task?: string | undefined;
}

/** The rules that speak of a request. */
export interface Candidates {
  readonly deny: readonly CompiledRule[];
  readonly allow: readonly CompiledRule[];
}

export type Decision =
  | { readonly allowed: true; readonly rule: string }
  | {
      readonly allowed: false;
      /** The rule that decided; `default` where none allows it. */
      readonly rule: string;
      readonly why: Refusal;
      /** With `needs-approval`: what the rule asks for. */
      readonly approvals?: CompiledApprovals | undefined;
    };

export type Refusal =
  'no-policy' | 'no-rule' | 'denied' | 'cannot-tell' | 'conditions' | 'waits-too-long' | 'needs-approval';

/** Of controller services: what they are for needs no rule, or one that names them. */
const CONTROLLER_ROLE = 'controller';

const NO_RULE: Decision = { allowed: false, rule: 'default', why: 'no-rule' };

/** Nothing was ever allowed here. */
export const NO_POLICY: Decision = { allowed: false, rule: 'default', why: 'no-policy' };

/** By role and name alone: the rules to look at, or a refusal that no circumstances could change. */
export function outline(policy: CompiledPolicy, request: PolicyRequest): Candidates | Decision {
  const candidates = candidatesOf(policy, request);
  const denied = candidates.deny.find(({ conditions }) => conditions.length === 0);
  if (denied !== undefined) return { allowed: false, rule: denied.label, why: 'denied' };
  return candidates.allow.length === 0 ? NO_RULE : candidates;
}

export const isDecision = (outlined: Candidates | Decision): outlined is Decision => 'allowed' in outlined;

/** Whether any of the rules asks for more than role and name. */
export const isUnconditional = ({ deny, allow }: Candidates): boolean =>
  deny.length === 0 && allow.some(({ conditions, approvals }) => conditions.length === 0 && approvals === undefined);

/** By the conditions. */
export function decideAmong({ deny, allow }: Candidates, circumstances: Circumstances): Decision {
  for (const rule of deny) {
    const truth = conditionsHold(rule, circumstances);
    if (truth !== false)
      return { allowed: false, rule: rule.label, why: truth === undefined ? 'cannot-tell' : 'denied' };
  }
  let unapproved: CompiledRule | undefined;
  let undecided: CompiledRule | undefined;
  for (const rule of allow) {
    const truth = conditionsHold(rule, circumstances);
    if (truth === undefined) undecided ??= rule;
    if (truth !== true) continue;
    if (areApproved(rule.approvals, circumstances)) return { allowed: true, rule: rule.label };
    unapproved ??= rule;
  }
  if (unapproved !== undefined)
    return { allowed: false, rule: unapproved.label, why: 'needs-approval', approvals: unapproved.approvals };
  if (undecided !== undefined) return { allowed: false, rule: undecided.label, why: 'cannot-tell' };
  // It would be allowed, if only it didn't wait.
  const tooShort = allow.find((rule) => conditionsHold(rule, { ...circumstances, lifeMs: undefined }) === true);
  if (tooShort !== undefined) return { allowed: false, rule: tooShort.label, why: 'waits-too-long' };
  return { allowed: false, rule: allow.length === 1 ? allow[0]!.label : 'default', why: 'conditions' };
}

/** Both steps at once. */
export function decide(policy: CompiledPolicy, request: PolicyRequest, circumstances: Circumstances): Decision {
  const outlined = outline(policy, request);
  return isDecision(outlined) ? outlined : decideAmong(outlined, circumstances);
}

/** In the order of the caller's roles, those for everybody last. A controller service is nobody that these let do anything. */
export function candidatesOf(policy: CompiledPolicy, request: PolicyRequest): Candidates {
  const rolesOf = (names: readonly string[]): CompiledRole[] =>
    [...new Set(names)].flatMap((role) => policy.roles.get(role) ?? []);
  const all = [...request.roles, EVERYBODY];
  const allowing = request.roles.includes(CONTROLLER_ROLE) ? request.roles.filter((role) => role !== EVERYBODY) : all;
  return {
    deny: rolesOf(all).flatMap(({ deny }) => deny.filter((rule) => speaksOf(rule, request))),
    allow: rolesOf(allowing).flatMap(({ allow }) => allow.filter((rule) => speaksOf(rule, request))),
  };
}

/**
 * Running a task needs the task in a rule, running an action the action. A rule that denies `task.run`, by whatever
 * pattern, denies every task.
 */
function speaksOf(rule: CompiledRule, { action, task }: PolicyRequest): boolean {
  if (task === undefined) return rule.fitsAction(action);
  return rule.fitsTask(task) || (rule.effect === 'deny' && rule.fitsAction(action));
}
