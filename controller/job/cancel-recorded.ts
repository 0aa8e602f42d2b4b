/** `Fleet.cancel`: from the id of a job to what its nodes said when they were told to stop. */
import type { Identity } from '../../shared/identity.ts';
import { UsageError } from '../../shared/errors.ts';
import { matchesName, parseNameSelector } from '../../shared/names/selector.ts';
import type { AuditedRun } from '../audit/audited-run.ts';
import type { RosterNode } from '../directory.ts';
import { createJobId } from '../request.ts';
import type { RunResult } from '../run-plan.ts';
import { createTarget } from '../target.ts';
import { cancelJob, recordCancel, type CancelDependencies, type CancelOptions } from './cancel-job.ts';
import type { JobSource } from './job-source.ts';
import type { JobBegun } from '../../shared/wire/job.ts';

export interface CancelJobOptions extends CancelOptions {
  /** Names, globs, sets, `/regex/`: any may hold. @default every node of the job, and nothing new of it starts */
  readonly nodes?: readonly string[] | undefined;
}

export interface CancelledJob {
  readonly begun: JobBegun;
  /** What came of the cancel on each node to which something of the job was sent. */
  readonly run: RunResult;
  /** Meant, and nothing was sent to them so far. */
  readonly notSent: readonly string[];
}

export interface CancelRecordedDependencies extends CancelDependencies {
  readonly identity: Identity;
  readonly jobs: JobSource;
  readonly roster: ReadonlyMap<string, RosterNode>;
  readonly audit: AuditedRun | undefined;
}

/** @throws UsageError `bad-job`, `no-such-job`, `no-such-node`; TransportError; InterruptedError */
export async function cancelRecorded(
  job: string,
  { nodes: wanted, ...options }: CancelJobOptions,
  dependencies: CancelRecordedDependencies,
): Promise<CancelledJob> {
  const { audit, caller, clock, jobs, roster } = dependencies;
  let frames = await jobs.frames(job, options.signal);
  const { begun } = frames;
  const meant = selectNodes(begun, wanted);
  if (wanted === undefined && begun.caller === caller && frames.cancelled === undefined) {
    await recordCancel(frames, dependencies);
    // With whatever was started until then.
    frames = await jobs.frames(job, options.signal);
  }
  const owner = await jobs.owner(frames);
  const nodes = meant.flatMap((name) => roster.get(name) ?? []).filter(({ state }) => state === 'joined');
  const request = { frames, owner, nodes, job: createJobId(clock.now()) };
  const send = (): Promise<RunResult> => cancelJob(request, options, dependencies);
  const run = await (audit === undefined
    ? send()
    : audit.around(
        {
          job,
          work: { action: 'job.cancel', effect: 'changes', args: { caller: begun.caller }, dryRun: false },
          target: createTarget(wanted === undefined ? {} : { node: wanted }),
          expected: nodes.length,
        },
        send,
      ));
  const sentTo = new Set(run.nodes.map(({ node }) => node));
  return { begun, run, notSent: meant.filter((name) => !sentTo.has(name)) };
}

function selectNodes({ expected, job }: JobBegun, wanted: readonly string[] | undefined): readonly string[] {
  if (wanted === undefined) return expected;
  const selectors = wanted.map(parseNameSelector);
  const meant = expected.filter((name) => selectors.some((selector) => matchesName(selector, name)));
  if (meant.length > 0) return meant;
  throw new UsageError(`job ${job} was for none of ${wanted.join(', ')}`, {
    code: 'no-such-node',
    hint: `\`fleet job show ${job}\` names its nodes.`,
  });
}
