/** Carries a plan out under a record: begun before anything is sent, ended behind it. */
import type { Identity } from '../../shared/identity.ts';
import type { Plan, Work } from '../plan.ts';
import { runPlan, sendPlan, type RunDependencies, type RunOptions, type RunResult } from '../run-plan.ts';
import { JobRecord } from './job-record.ts';

/**
 * @returns `ending`: settled when what was concluded is stored, or can't be
 * @throws TransportError, UsageError where it can't be recorded: nothing was sent then; what runPlan throws
 */
export async function runRecorded(
  plan: Plan,
  work: Work,
  ackTimeoutMs: number,
  options: RunOptions,
  dependencies: Omit<RunDependencies, 'records'> & { readonly identity: Identity },
): Promise<{ result: RunResult; ending: Promise<void> }> {
  const record = await JobRecord.begin(plan, work, options.describe ?? {}, dependencies);
  return record.around(() =>
    options.detach === true
      ? sendPlan(plan, { ...dependencies, records: record })
      : runPlan(plan, ackTimeoutMs, options, { ...dependencies, records: record }),
  );
}
