/**
 * Leads one batch on: takes it over, by the record, or finds that somebody else has; then the very same way as a command
 * line (run-plan.ts), with what its caller signed up front. This service signs nothing but its words in the record.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { TransportError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { JobBatch, JobBegun } from '../../shared/wire/job.ts';
import type { Result } from '../../shared/wire/result.ts';
import { LeadSigns } from '../batch/lead-signs.ts';
import { readPlan } from '../batch/read-plan.ts';
import { rebuildBatch, type StoredFinal } from '../batch/rebuild.ts';
import type { BatchOptions } from '../batch/rules.ts';
import type { RosterNode } from '../directory.ts';
import { JobRecord } from '../job/job-record.ts';
import { assembleFrames, viewJob } from '../job/job-view.ts';
import { pickTurn, type Plan } from '../plan.ts';
import { Receiver } from '../receive.ts';
import type { SignedCommand } from '../request.ts';
import { runPlan, type RunResult } from '../run-plan.ts';
import type { LeadWatch } from './lead-watch.ts';
import type { OpenBatch } from './open-batches.ts';

export interface LeadBatchDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly identity: Identity;
  readonly roster: ReadonlyMap<string, RosterNode>;
  readonly watch: LeadWatch;
  readonly onTaken: () => void;
}

/**
 * Resolves when it has ended, or is led by somebody else, or nobody.
 * @throws TransportError `store-conflict` where somebody else has taken it; ProtocolError for a plan that isn't whole
 */
export async function leadBatch(open: OpenBatch, dependencies: LeadBatchDependencies): Promise<RunResult> {
  const { begun, frames, sequence } = open;
  const { bus, clock, fleet, identity, onTaken, subjects, trust, watch } = dependencies;
  const { batch, caller, job } = begun;
  const assembled = assembleFrames(frames.map(({ frame }) => frame));
  if (batch === undefined || assembled === undefined) throw new Error('not a batch that anybody may lead');
  const commands = await readPlan(begun, dependencies);
  const told = assembled.verdicts.flatMap(({ nodes }) => nodes.flatMap((place) => begun.expected[place] ?? []));
  const revision = Math.max(...frames.map(({ frame }) => frame.revision));
  const record = await JobRecord.takeOver({ begun, sequence, frames: revision, told }, dependencies);
  onTaken();
  const signs = new LeadSigns(subjects.lead(caller, job), { bus });
  signs.begin();
  try {
    const finals = await readFinals(begun, commands, dependencies);
    const now = await bus.serverTime(jobStream(fleet), subjects.job(caller, job));
    const results = new Map<string, Result>([...finals].map(([node, { final }]) => [node, final]));
    // Whoever has said nothing is asked first.
    const { nodes, unmatched } = viewJob(assembled, results, 0);
    const past = { batch: rebuildBatch(begun, frames, finals, now), nodes, unmatched };
    const signing = (): Parameters<Plan['turn']>[1] => ({
      fleetId: trust.fleetId,
      identity,
      now: clock.now(),
      maxPayloadBytes: bus.maxPayloadBytes,
    });
    const run = (): Promise<RunResult> =>
      runPlan(
        planOf(begun, batch, commands, dependencies),
        batch.ackTimeoutMs,
        { batch: optionsOf(batch), past },
        { caller, bus, clock, fleet, subjects, trust, watch, signing, records: record, isUncertain },
      );
    const { ending, result } = await record.around(run);
    await ending;
    return result;
  } finally {
    if (watch.lost === undefined) signs.end();
    else signs.leave();
  }
}

/** Whether it's stored isn't known: what is known is in the record, for whoever leads next. */
const isUncertain = (error: unknown): boolean => error instanceof TransportError;

function planOf(
  begun: JobBegun,
  batch: JobBatch,
  commands: readonly SignedCommand[],
  { roster }: Pick<LeadBatchDependencies, 'roster'>,
): Plan {
  const pick = pickTurn(commands);
  return {
    job: begun.job,
    issued: begun.issued,
    startBy: begun.startBy,
    timeoutMs: begun.timeoutMs,
    expected: begun.expected.map((name) => roster.get(name) ?? { name, state: 'retired', trusted: {}, credential: undefined, problem: 'it is not on the roster' }), // prettier-ignore
    commands,
    welcome: new Set(),
    mayStartUntil: undefined,
    again: () => Promise.resolve(commands),
    turn: (nodes, { now }) => {
      const patienceMs = batch.ackTimeoutMs + LIMITS.startSlackMs + LIMITS.clockSkewMs;
      const mayStartUntil = begun.effect === 'changes' ? now + patienceMs : undefined;
      return Promise.resolve({ commands: pick(nodes, mayStartUntil), mayStartUntil });
    },
    usableUntil: batch.usableUntil,
    leadUntil: batch.deadline,
  };
}

function optionsOf({ canaries, pauseMs, tolerated, window }: JobBatch): BatchOptions {
  const maxFailures = tolerated === undefined ? undefined : { count: tolerated };
  return { window: { count: window }, canaries, pauseMs, maxFailures };
}

/** What each node said at the end, and when the bus had it. */
async function readFinals(
  { caller, job }: JobBegun,
  commands: readonly SignedCommand[],
  { bus, fleet, subjects, trust }: LeadBatchDependencies,
): Promise<Map<string, StoredFinal>> {
  const receiver = new Receiver({ caller, job }, { subjects, trust });
  for (const command of commands) receiver.expectAnswersTo(command);
  const finals = new Map<string, StoredFinal>();
  await bus.read(jobStream(fleet), subjects.recordsOf(caller, job), (stored) => {
    const final = receiver.receive(stored);
    if (final === undefined || (final.kind !== 'unmatched' && final.state === undefined)) return;
    if (!finals.has(final.node)) finals.set(final.node, { final, storedAt: stored.storedAt });
  });
  return finals;
}
