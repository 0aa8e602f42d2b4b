/** A plan that others sign before it's carried out: how many, and who, follows from the fleet's policy. */
import type { StoredPolicy } from '../control.ts';
import type { Plan, Work } from '../plan.ts';
import { collectApprovals, type ApprovalDependencies, type ApprovalWait } from './collect-approvals.ts';
import { neededApprovals } from './needed-approvals.ts';

export interface ApprovalOptions extends Pick<ApprovalWait, 'onWaiting' | 'onApproved'> {
  /** How many. @default what the policy asks for */
  readonly count?: number | undefined;
}

/** @throws UsageError `not-approved`, `command-too-large`; InterruptedError; TransportError */
export async function approvePlan(
  plan: Plan,
  { action, args }: Work,
  { count, ...wait }: ApprovalOptions & Pick<ApprovalWait, 'signal'>,
  dependencies: ApprovalDependencies & { readonly policy: StoredPolicy },
): Promise<Plan> {
  const { caller, policy } = dependencies;
  const task = action === 'task.run' ? String(args['task']) : undefined;
  const asked = neededApprovals(policy.signed?.document.policy, { roles: caller.roles, action, task });
  const needed = { ...asked, count: count ?? asked.count };
  const commands = await collectApprovals(plan.job, plan.commands, { ...wait, needed }, dependencies);
  // Nothing of it can be signed anew, whenever a node's turn comes.
  const turn = { commands, mayStartUntil: plan.mayStartUntil };
  return { ...plan, commands, again: () => Promise.resolve(commands), turn: () => Promise.resolve(turn) };
}
