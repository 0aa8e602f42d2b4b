/** Why a policy decides as it does, rule by rule and condition by condition: `fleet policy test`. */
import type { Circumstances } from './circumstances.ts';
import type { CompiledApprovals, CompiledPolicy, CompiledRule, Condition } from './compile.ts';
import { candidatesOf, decide, type Decision, type PolicyRequest } from './decide.ts';
import { areApproved, conditionHolds, conditionsHold, decisionsOf } from './evaluate.ts';

export interface ExplainedCondition {
  readonly kind: Condition['kind'] | 'approvals';
  /** As it stands in the policy. */
  readonly text: string;
  /** Null where it can't be told. */
  readonly holds: boolean | null;
  /** The predicates that decided, and what they found. */
  readonly predicates: readonly {
    readonly text: string;
    readonly holds: boolean;
    readonly found: readonly unknown[];
  }[];
  /** What there was in place of what a predicate would find. */
  readonly note?: string;
}

export interface ExplainedRule {
  readonly id: string;
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly holds: boolean | null;
  readonly conditions: readonly ExplainedCondition[];
}

export interface Explanation {
  readonly decision: Decision;
  /** Every rule that speaks of the request, those that deny first. */
  readonly rules: readonly ExplainedRule[];
}

export function explainPolicy(
  policy: CompiledPolicy,
  request: PolicyRequest,
  circumstances: Circumstances,
): Explanation {
  const { deny, allow } = candidatesOf(policy, request);
  return {
    decision: decide(policy, request, circumstances),
    rules: [...deny, ...allow].map((rule) => explainRule(rule, circumstances)),
  };
}

function explainRule(rule: CompiledRule, circumstances: Circumstances): ExplainedRule {
  const { id, label, effect, conditions, approvals } = rule;
  // Whatever the rest is: without its approvals a rule doesn't hold.
  const truth = areApproved(approvals, circumstances) ? conditionsHold(rule, circumstances) : false;
  return {
    id,
    name: label,
    effect,
    holds: truth ?? null,
    conditions: [
      ...conditions.map((condition) => explainCondition(condition, circumstances)),
      ...(approvals === undefined ? [] : [explainApprovals(approvals, circumstances)]),
    ],
  };
}

function explainCondition(condition: Condition, circumstances: Circumstances): ExplainedCondition {
  const holds = conditionHolds(condition, circumstances) ?? null;
  const predicates = decisionsOf(condition, circumstances).map(({ text, result, found }) => ({
    text,
    holds: result,
    found,
  }));
  if (condition.kind === 'time') {
    const { window } = condition;
    return { kind: 'time', text: window.text, holds, predicates, note: `it is ${window.describe(circumstances.now)}` };
  }
  if (condition.kind === 'until')
    return { kind: 'until', text: condition.text, holds, predicates, note: `it may wait for ${describeDuration(circumstances.lifeMs ?? 0)}` }; // prettier-ignore
  const note =
    condition.kind === 'unreadable' ? condition.problem : holds === null ? UNKNOWN[condition.kind] : undefined;
  return { kind: condition.kind, text: condition.text, holds, predicates, ...(note === undefined ? {} : { note }) };
}

const UNKNOWN = {
  args: 'the arguments are not known',
  where: "the node's facts are not known",
  caller: 'the caller is not known',
} as const;

function explainApprovals(approvals: CompiledApprovals, circumstances: Circumstances): ExplainedCondition {
  const { approvers } = circumstances;
  const note =
    approvers.length === 0
      ? 'nobody else signed'
      : `signed by ${approvers.map(({ name, roles }) => `${name} (${roles.join(', ')})`).join(', ')}`;
  const holds = areApproved(approvals, circumstances);
  return { kind: 'approvals', text: describeApprovals(approvals), holds, predicates: [], note };
}

/** `1 more signature, by deployer or admin, within 10 min` */
export function describeApprovals({ count, roles, withinMs }: CompiledApprovals): string {
  const signatures = count === 1 ? '1 more signature' : `${count} more signatures`;
  const within = withinMs === undefined ? '' : `, within ${describeDuration(withinMs)}`;
  return `${signatures}, by ${roles.join(' or ')}${within}`;
}

function describeDuration(ms: number): string {
  if (ms > 0 && ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
}
