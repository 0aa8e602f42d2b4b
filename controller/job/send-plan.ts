/** Hands a recorded job over to the bus, and waits for nobody: its record, or who follows it, has what comes of it. */
import type { Plan } from '../plan.ts';
import type { RunDependencies, RunResult } from '../run-plan.ts';
import { handOver } from './hand-over.ts';

/** Of a job that is handed over. */
export const NOTHING_HEARD = {
  nodes: [],
  unmatched: [],
  open: [],
  abandoned: [],
  notStarted: [],
  queued: undefined,
  batch: undefined,
  lostBus: undefined,
  rejected: 0,
  ms: 0,
} as const;

/** What may wait lies in the queues before it's sent: nobody is there to see who is away. */
export async function sendPlan(plan: Plan, dependencies: RunDependencies): Promise<RunResult> {
  const { records } = dependencies;
  const result = { job: plan.job, ...NOTHING_HEARD, recorded: true, detached: true };
  if (plan.waitsForAway === true && records !== undefined) {
    const { leaveFor } = await import('../queue/leave-for.ts');
    const { failed, queued } = await leaveFor(plan.expected.map(({ name }) => name), plan, { ...dependencies, records }); // prettier-ignore
    await handOver({ ...plan, nodes: [...failed.keys()] }, dependencies);
    const nodes = [...failed].map(([node, why]) => ({ node, state: 'unreachable' as const, ...why, ms: null }));
    return { ...result, nodes, queued: { until: plan.startBy, nodes: queued } };
  }
  await handOver({ ...plan, nodes: plan.expected.map(({ name }) => name) }, dependencies);
  return result;
}
