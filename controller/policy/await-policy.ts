/**
 * Which nodes go by a policy: asked by a ping that says which revision its sender knows. A node fetches what is newer and
 * answers, or refuses for want of it; what else it may refuse the ping for, it has looked at the policy by then.
 */
import type { Fleet } from '../fleet.ts';
import type { NodeResult } from '../report.ts';
import type { TargetSpec } from '../resolve.ts';

export interface AwaitOptions {
  readonly signal: AbortSignal;
  /** How many times those are asked that could not get it. @default 3 */
  readonly rounds?: number;
}

/** One for each node of the roster, `ok` where it has the policy. */
export async function awaitPolicy(fleet: Fleet, target: TargetSpec, options: AwaitOptions): Promise<NodeResult[]> {
  const { rounds = 3, signal } = options;
  const results = new Map<string, NodeResult>();
  const resolved = await fleet.resolve(target);
  let missing = resolved.expected;
  for (let round = 0; round < rounds && missing.length > 0 && !signal.aborted; round++) {
    const asked = { ...resolved, expected: missing };
    // By name, so that it goes direct: what is heard is the answer of the node that was asked.
    const only: TargetSpec = { ...target, nodes: [...target.nodes, missing.map(({ name }) => name)] };
    const run = await fleet.run({ action: 'ping', args: {}, effect: 'reads', dryRun: false }, only, asked, { signal });
    for (const result of run.nodes) results.set(result.node, asAnswer(result));
    missing = missing.filter(({ name }) => results.get(name)?.code === BEHIND);
  }
  return [...results.values()];
}

/** What a node says that could not get what its caller knows. */
const BEHIND = 'cannot-check-revocation';

/** The policy may not allow who asks to ping: then it holds there. */
function asAnswer(result: NodeResult): NodeResult {
  if (result.state !== 'refused' || !BY_POLICY.has(result.code ?? '')) return result;
  const { code: _, ...rest } = result;
  return { ...rest, state: 'ok', reason: null };
}

const BY_POLICY: ReadonlySet<string> = new Set(['not-authorized', 'needs-approval']);
