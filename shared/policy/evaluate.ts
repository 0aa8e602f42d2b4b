/** Whether one rule holds in these circumstances, in Kleene's three-valued logic: pure, and each condition by itself. */
import { LIMITS } from '../limits.ts';
import { explainWhere, type Decision as PredicateDecision } from '../where/explain.ts';
import type { Facts } from '../where/find.ts';
import { matchWhere } from '../where/match.ts';
import type { Circumstances } from './circumstances.ts';
import type { CompiledApprovals, CompiledRule, Condition, DocumentKind } from './compile.ts';

/** `undefined`: it can't be told. */
export type Truth = boolean | undefined;

/** All conditions but approvals. */
export function conditionsHold(rule: CompiledRule, circumstances: Circumstances): Truth {
  let result: Truth = true;
  for (const condition of rule.conditions) {
    const truth = conditionHolds(condition, circumstances);
    if (truth === false) return false;
    if (truth === undefined) result = undefined;
  }
  return result;
}

export function conditionHolds(condition: Condition, circumstances: Circumstances): Truth {
  if (condition.kind === 'unreadable') return undefined;
  // What doesn't wait is good for a few minutes, whatever a rule says.
  if (condition.kind === 'until')
    return (circumstances.lifeMs ?? 0) <= Math.max(condition.longestMs, LIMITS.commandLifeMs);
  if (condition.kind === 'time') return condition.window.includes(circumstances.now);
  const document = documentOf(condition.kind, circumstances);
  if (document === undefined) return undefined;
  const isUndecided = { where: circumstances.isUndecided, args: circumstances.isSealed, caller: undefined }[
    condition.kind
  ];
  return isUndecided === undefined
    ? matchWhere(condition.expression, document)
    : matchWhere(condition.expression, document, { isUndecided });
}

export function areApproved(approvals: CompiledApprovals | undefined, circumstances: Circumstances): boolean {
  if (approvals === undefined) return true;
  const { now, issued, approvers } = circumstances;
  if (approvals.withinMs !== undefined && now - issued > approvals.withinMs) return false;
  const fitting = approvers.filter(({ roles }) => roles.some((role) => approvals.roles.includes(role)));
  return fitting.length >= approvals.count;
}

/** The predicates that decided a condition, and what each found; none where it isn't an expression, or isn't decided. */
export function decisionsOf(condition: Condition, circumstances: Circumstances): readonly PredicateDecision[] {
  if (condition.kind === 'time' || condition.kind === 'until' || condition.kind === 'unreadable') return [];
  const document = documentOf(condition.kind, circumstances);
  if (document === undefined || conditionHolds(condition, circumstances) === undefined) return [];
  return explainWhere(condition.expression, document).decisions;
}

function documentOf(kind: DocumentKind, { args, facts, caller }: Circumstances): Facts | undefined {
  if (kind === 'args') return args;
  return kind === 'where' ? facts : caller;
}
