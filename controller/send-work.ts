/**
 * From what is to be done to every node's final state: planned, signed, approved where others have to, recorded where it
 * is to be, then sent and waited for. For fleet.ts, which knows who is meant and as whom.
 */
import { LIMITS } from '../shared/limits.ts';
import type { Identity } from '../shared/identity.ts';
import type { BusWatch } from './bus-watch.ts';
import type { StoredPolicy } from './control.ts';
import type { RosterNode } from './directory.ts';
import { assertWanted } from './interrupt.ts';
import type { CancelJobOptions } from './job/cancel-recorded.ts';
import { cancelWhenTold } from './job/cancel-when-told.ts';
import type { JobSource } from './job/job-source.ts';
import { planCommand, type Plan, type Work } from './plan.ts';
import { assertMayWait } from './queue/may-wait.ts';
import type { Resolved, TargetSpec } from './resolve.ts';
import { runPlan, type RunDependencies, type RunOptions, type RunResult } from './run-plan.ts';

export interface SendDependencies extends Omit<RunDependencies, 'records' | 'giveLead' | 'isUncertain'> {
  readonly identity: Identity;
  readonly watch: BusWatch;
  /** Those that may answer, with their credentials. */
  readonly rosterOf: (resolved: Resolved) => Promise<ReadonlyMap<string, RosterNode>>;
  readonly policy: () => Promise<StoredPolicy>;
  readonly jobs: () => Promise<JobSource>;
  readonly cancel: (job: string, options: CancelJobOptions) => Promise<unknown>;
  /** Settled when what was concluded is stored, or can't be. */
  readonly onEnding: (ending: Promise<void>) => void;
  readonly onProblem: (line: string) => void;
}

/** @throws InterruptedError UsageError TransportError before anything was sent; what runPlan throws */
export async function sendWork(
  job: string,
  request: Work,
  { target, resolved }: { readonly target: TargetSpec; readonly resolved: Resolved },
  options: RunOptions,
  dependencies: SendDependencies,
): Promise<RunResult> {
  const { clock, identity, onEnding, rosterOf, signing, watch } = dependencies;
  const { ackTimeoutMs = LIMITS.ackTimeoutMs, approval, untilMs } = options;
  const isRecorded = options.record ?? (request.effect === 'changes' && !request.dryRun);
  if (untilMs !== undefined) assertMayWait(untilMs, isRecorded, options, identity, clock.now());
  const planned = await planCommand(
    { ...request, isLive: options.output !== undefined && !isRecorded },
    target,
    { resolved, roster: await rosterOf(resolved) },
    {
      job,
      ackTimeoutMs,
      deadlineMs: options.deadlineMs,
      waits: approval !== undefined,
      batch: options.batch,
      isRecorded,
      acceptsMac: dependencies.keyWith !== undefined,
      untilMs,
    },
    signing(),
  );
  options.onPlan?.(planned);
  assertWanted(options.signal);
  const plan = approval === undefined ? planned : await approved(planned, request, options, dependencies);
  watch.assertThere();
  const endsUnheard = request.effect === 'reads';
  if (!isRecorded) return runPlan(plan, ackTimeoutMs, options, { ...dependencies, records: undefined, endsUnheard });
  const { runRecorded } = await import('./job/run-recorded.ts');
  const { cancel, onProblem } = dependencies;
  const endCancel = cancelWhenTold(options.cancel, (onSent) => cancel(job, { ackTimeoutMs, onSent }), onProblem);
  const { result, ending } = await runRecorded(plan, request, ackTimeoutMs, options, dependencies);
  onEnding(ending);
  onEnding(endCancel());
  return result;
}

async function approved(
  plan: Plan,
  work: Work,
  { approval = {}, signal }: RunOptions,
  { policy, identity, ...reader }: SendDependencies,
): Promise<Plan> {
  const { approvePlan } = await import('./approval/approve-plan.ts');
  const caller = identity.credential.body;
  return approvePlan(plan, work, { ...approval, signal }, { ...reader, caller, policy: await policy() });
}
