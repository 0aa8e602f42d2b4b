/**
 * The fleet's policy and a node's own, which may only narrow it: both have to allow. The decision says which of the two
 * it was.
 */
import type { Circumstances } from './circumstances.ts';
import type { CompiledPolicy } from './compile.ts';
import {
  decideAmong,
  isDecision,
  isUnconditional,
  NO_POLICY,
  outline,
  type Candidates,
  type Decision,
  type PolicyRequest,
} from './decide.ts';

export interface Policies {
  /** Absent until the node has heard of one: then nothing is allowed. */
  readonly fleet: CompiledPolicy | undefined;
  /** Absent where the node has none of its own. */
  readonly node: CompiledPolicy | undefined;
}

export type PolicySource = 'fleet' | 'node';
export type SourcedDecision = Decision & { readonly source: PolicySource };

export interface BothCandidates {
  readonly fleet: Candidates;
  readonly node: Candidates | undefined;
}

/** By role and name alone, as far as that decides. */
export function outlineBoth({ fleet, node }: Policies, request: PolicyRequest): BothCandidates | SourcedDecision {
  if (fleet === undefined) return { ...NO_POLICY, source: 'fleet' };
  const byFleet = outline(fleet, request);
  if (isDecision(byFleet)) return { ...byFleet, source: 'fleet' };
  const byNode = node === undefined ? undefined : outline(node, request);
  if (byNode !== undefined && isDecision(byNode)) return { ...byNode, source: 'node' };
  return { fleet: byFleet, node: byNode };
}

export const isSourced = (outlined: BothCandidates | SourcedDecision): outlined is SourcedDecision =>
  'source' in outlined;

/** Whether circumstances don't matter. */
export const areUnconditional = ({ fleet, node }: BothCandidates): boolean =>
  isUnconditional(fleet) && (node === undefined || isUnconditional(node));

/** What allows is told of the fleet's policy: the node's own only lets it pass. */
export function decideBothAmong({ fleet, node }: BothCandidates, circumstances: Circumstances): SourcedDecision {
  const byFleet = decideAmong(fleet, circumstances);
  if (!byFleet.allowed || node === undefined) return { ...byFleet, source: 'fleet' };
  const byNode = decideAmong(node, circumstances);
  return byNode.allowed ? { ...byFleet, source: 'fleet' } : { ...byNode, source: 'node' };
}

/** Both steps at once. */
export function decideBoth(policies: Policies, request: PolicyRequest, circumstances: Circumstances): SourcedDecision {
  const outlined = outlineBoth(policies, request);
  return isSourced(outlined) ? outlined : decideBothAmong(outlined, circumstances);
}
