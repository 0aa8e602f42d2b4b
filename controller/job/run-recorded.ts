/** Carries a plan out under a record: begun before anything is sent, ended behind it; and what becomes of it meanwhile. */
import { UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { awaitTaker, findService } from '../batch/ask-service.ts';
import { LeadSigns } from '../batch/lead-signs.ts';
import { compileBatch } from '../batch/rules.ts';
import type { Plan, Work } from '../plan.ts';
import type { NodeResult } from '../report.ts';
import { runPlan, type RunDependencies, type RunOptions, type RunResult } from '../run-plan.ts';
import { JobRecord } from './job-record.ts';
import type { JobSource } from './job-source.ts';
import { NOTHING_HEARD, sendPlan } from './send-plan.ts';

export interface RecordedDependencies extends Omit<RunDependencies, 'records' | 'giveLead' | 'isUncertain'> {
  readonly identity: Identity;
  readonly jobs: () => Promise<JobSource>;
}

/**
 * @returns `ending`: settled when what was concluded is stored, or can't be
 * @throws TransportError, UsageError where it can't be recorded: nothing was sent then; what runPlan throws
 */
export async function runRecorded(
  plan: Plan,
  work: Work,
  ackTimeoutMs: number,
  options: RunOptions,
  dependencies: RecordedDependencies,
): Promise<{ result: RunResult; ending: Promise<void> }> {
  const rules = options.batch && compileBatch(options.batch, plan.expected.length);
  const batch = rules && { ...rules, ackTimeoutMs };
  const begin = (): Promise<JobRecord> => JobRecord.begin(plan, work, { ...options.describe, batch }, dependencies);
  if (rules === undefined) {
    const record = await begin();
    return record.around(() =>
      options.detach === true
        ? sendPlan(plan, { ...dependencies, records: record })
        : runPlan(plan, ackTimeoutMs, options, { ...dependencies, records: record }),
    );
  }
  const service = findService(dependencies);
  if (options.detach === true && (await service) === undefined) throw nobodyLeads();
  const record = await begin();
  return record.around(() => leadBatch(plan, ackTimeoutMs, options, { ...dependencies, record, service }));
}

async function leadBatch(
  plan: Plan,
  ackTimeoutMs: number,
  options: RunOptions,
  dependencies: RecordedDependencies & { readonly record: JobRecord; readonly service: Promise<string | undefined> },
): Promise<RunResult> {
  const { caller, record, service, subjects } = dependencies;
  const { job } = plan;
  const signs = new LeadSigns(subjects.lead(caller, job), dependencies);
  const giveLead = async (): Promise<string | undefined> => {
    if ((await findService(dependencies)) === undefined) return undefined;
    signs.leave();
    return awaitTaker({ caller, job }, dependencies);
  };
  if (options.detach === true) {
    const ledBy = await giveLead();
    if (ledBy !== undefined) return { job, ...NOTHING_HEARD, recorded: true, detached: true, ledBy };
  }
  signs.begin();
  void service.then((name) => (name === undefined ? undefined : options.onService?.(name)));
  try {
    const result = await runPlan(plan, ackTimeoutMs, options, { ...dependencies, records: record, giveLead });
    const isFollowed = result.lostLead === true && options.signal?.aborted !== true;
    return isFollowed ? await followOn(result, options, dependencies) : result;
  } finally {
    signs.end();
  }
}

/** Somebody else leads it now: what is still to come is in its record. */
async function followOn(
  result: RunResult,
  options: RunOptions,
  dependencies: Pick<RecordedDependencies, 'jobs'>,
): Promise<RunResult> {
  const known = new Set([...result.nodes.map(({ node }) => node), ...result.unmatched]);
  const isNew = ({ node }: { readonly node: string }): boolean => !known.has(node);
  const jobs = await dependencies.jobs();
  const frames = await jobs.frames(result.job, options.signal);
  const onNode = (node: NodeResult): void => (isNew(node) ? options.onNode?.(node) : undefined);
  const followed = await jobs.follow(frames, { ...options, onNode });
  return {
    ...result,
    ...followed,
    nodes: [...result.nodes, ...followed.nodes.filter(isNew)],
    unmatched: [...new Set([...result.unmatched, ...followed.unmatched])],
  };
}

function nobodyLeads(): UsageError {
  return new UsageError(
    'nodes that are started in turns need somebody to start them, and no service is there to do it',
    {
      code: 'no-service',
      hint: 'Leave out --detach: this command line leads the batch then; or start a service: fleet serve.',
    },
  );
}
