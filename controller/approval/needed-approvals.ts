/** How many others have to sign a command, and with which roles, as far as the fleet's policy tells without looking at any node. */
import { compilePolicy } from '../../shared/policy/compile.ts';
import { candidatesOf, type PolicyRequest } from '../../shared/policy/decide.ts';
import type { TravellingPolicy } from '../../shared/policy/policy.ts';

export interface NeededApprovals {
  readonly count: number;
  /** Of which an approver needs one; undefined where the policy asks for none on this. */
  readonly roles: readonly string[] | undefined;
  /** Since the command was signed. */
  readonly withinMs: number | undefined;
}

/** The most that any rule asks for that could allow it: which of them holds, each node finds out. */
export function neededApprovals(policy: TravellingPolicy | undefined, request: PolicyRequest): NeededApprovals {
  const asked =
    policy === undefined
      ? []
      : candidatesOf(compilePolicy(policy), request).allow.flatMap(({ approvals }) => approvals ?? []);
  if (asked.length === 0) return { count: 1, roles: undefined, withinMs: undefined };
  const limits = asked.flatMap(({ withinMs }) => withinMs ?? []);
  return {
    count: Math.max(...asked.map(({ count }) => count)),
    roles: [...new Set(asked.flatMap(({ roles }) => roles))],
    withinMs: limits.length === 0 ? undefined : Math.min(...limits),
  };
}
