/**
 * Who may say something about commands that were sent before: whoever sent them, and who has the role admin, unless a
 * rule denies it; others by a rule of the fleet's policy that names it. A node's own policy can deny, and needs no rule
 * that lets pass.
 */
import { RefusedError } from '../../shared/errors.ts';
import type { CompiledRule } from '../../shared/policy/compile.ts';
import { candidatesOf, NO_POLICY, type Candidates } from '../../shared/policy/decide.ts';
import { decideBothAmong, type BothCandidates, type SourcedDecision } from '../../shared/policy/decide-both.ts';
import { isJobAction, type JobAction } from '../../shared/policy/job-actions.ts';
import { EVERYBODY } from '../../shared/policy/policy.ts';
import { nameRule } from '../../shared/policy/words.ts';
import { askedBy, authorizeHere, mayEver, refuse, type AuthorizeDependencies } from '../authorize.ts';
import { circumstancesOf } from '../authorize-conditions.ts';
import { refuseByPolicy } from '../refusals.ts';
import type { VerifiedCommand } from '../verify.ts';

/** What a condition of a rule sees under `args`: nothing that is only the word of who asks. */
export interface AboutJob {
  /** Whether who asks has sent it. */
  readonly own: boolean;
}

/**
 * @returns the rule that allows it
 * @throws RefusedError `no-policy`, `not-authorized`, `needs-approval`
 */
export async function authorizeJob(
  verified: VerifiedCommand,
  action: JobAction,
  about: AboutJob,
  now: number,
  dependencies: AuthorizeDependencies,
): Promise<string> {
  const { log, policies } = dependencies;
  const { roles } = verified.caller.credential.body;
  const asked = { ...askedBy(verified), action, task: undefined };
  if (!about.own && !mayEver(verified.caller, action)) {
    const refusal = new RefusedError(
      `${asked.caller} may not do this about what others have sent: its credential is for other actions`,
      { code: 'not-authorized' },
    );
    throw refuse(verified, refusal, 'credential.actions', log);
  }
  if (!about.own) await authorizeHere(verified, dependencies);
  const { fleet, node } = policies();
  const fail = (decision: SourcedDecision): RefusedError =>
    refuse(verified, refuseByPolicy(asked, decision), nameRule(decision), log);
  if (fleet === undefined) throw fail({ ...NO_POLICY, source: 'fleet' });
  const byDefault = about.own ? 'own job' : roles.includes('admin') ? 'role admin' : undefined;
  const request = { roles, action };
  const fromFleet = candidatesOf(fleet, request);
  const candidates: BothCandidates = {
    fleet: byDefault === undefined ? fromFleet : letPass(fromFleet, byDefault),
    node: node === undefined ? undefined : letPass(candidatesOf(node, request), 'default'),
  };
  const circumstances = await circumstancesOf(verified, candidates, { now, args: () => ({ ...about }) }, dependencies);
  const decision = decideBothAmong(candidates, circumstances);
  if (!decision.allowed)
    throw fail(candidates.fleet.allow.length === 0 && decision.why === 'conditions' ? { ...decision, why: 'no-rule' } : decision); // prettier-ignore
  return nameRule(decision);
}

/** Whether any rule lets who asks do anything: nothing is done for the record of who may do nothing. */
export function mayAnything(
  { caller }: VerifiedCommand,
  { policies }: Pick<AuthorizeDependencies, 'policies'>,
): boolean {
  const { fleet } = policies();
  const { roles } = caller.credential.body;
  return [...roles, EVERYBODY].some((role) => (fleet?.roles.get(role)?.allow.length ?? 0) > 0);
}

/** Only denials are looked at. */
const letPass = ({ deny }: Candidates, label: string): Candidates => ({ deny, allow: [always(label)] });

const always = (label: string): CompiledRule => ({
  id: label,
  label,
  role: '*',
  effect: 'allow',
  fitsAction: isJobAction,
  fitsTask: () => false,
  conditions: [],
  approvals: undefined,
});
