/**
 * Cancels a job: says so in its record, so that nothing new of it starts; tells every node to which something was sent, and
 * leaves it on the bus for those that are away. What nodes answer is what became of the job there.
 */
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeJobFrame } from '../../shared/wire/job.ts';
import type { RosterNode } from '../directory.ts';
import type { Plan } from '../plan.ts';
import { queueCommands } from '../queue/queue-commands.ts';
import type { NodeResult } from '../report.ts';
import { runPlan, type RunDependencies, type RunOptions, type RunResult } from '../run-plan.ts';
import { overAt, type JobFrames } from './job-view.ts';
import { signAbout } from './sign-about.ts';

export interface CancelRequest {
  /** Read after it was said in the record, where that could be. */
  readonly frames: JobFrames;
  readonly owner: Uint8Array;
  /** Of the expected nodes, those that are meant, as the roster has them. */
  readonly nodes: readonly RosterNode[];
  /** Of the cancel itself. */
  readonly job: string;
}

export type CancelOptions = Pick<RunOptions, 'ackTimeoutMs' | 'onNode' | 'onProgress' | 'onSent' | 'signal'>;
export type CancelDependencies = Omit<RunDependencies, 'records'>;

/** Says in the record of one's own job that nothing new of it is to start. @throws TransportError */
export async function recordCancel(
  { begun, sent }: JobFrames,
  { bus, clock, identity, subjects }: Pick<CancelDependencies, 'bus' | 'clock' | 'subjects'> & { identity: Identity },
): Promise<void> {
  const subject = subjects.job(begun.caller, begun.job);
  const frame = encodeJobFrame({
    subject,
    revision: sent.length + 2,
    job: begun.job,
    caller: begun.caller,
    type: 'cancelled',
    at: clock.now(),
  });
  const bytes = await seal('job', identity.fleetId, identity, frame, { inlineCredential: true });
  // Of two that are alike, the first counts.
  await bus.store(subject, bytes, { mayRepeat: true });
}

/** @throws TransportError; InterruptedError before anything was sent */
export async function cancelJob(
  { frames, job, nodes, owner }: CancelRequest,
  { ackTimeoutMs = LIMITS.ackTimeoutMs, onNode, ...options }: CancelOptions,
  dependencies: CancelDependencies,
): Promise<RunResult> {
  const about = { kind: 'cancel', frames, owner, job } as const;
  const commands = await signAbout(about, nodes.map(({ name }) => name), dependencies.signing()); // prettier-ignore
  const sentTo = new Set(commands.flatMap((command) => command.nodes ?? []));
  const now = dependencies.clock.now();
  const plan: Plan = {
    job,
    issued: now,
    startBy: now + LIMITS.commandLifeMs,
    expected: nodes.filter(({ name }) => sentTo.has(name)),
    commands,
    welcome: new Set(),
    mayStartUntil: undefined,
    again: () => Promise.resolve(commands),
    turn: () => Promise.reject(new Error('a cancel goes to all at once')),
    usableUntil: undefined,
    leadUntil: undefined,
  };
  const answered = (result: NodeResult): void => {
    if (result.state !== 'unreachable') onNode?.(result);
  };
  const run = await runPlan(
    plan,
    ackTimeoutMs,
    { ...options, onNode: answered },
    { ...dependencies, records: undefined },
  );
  const silent = run.nodes.filter(({ state }) => state === 'unreachable');
  if (silent.length === 0 || run.lostBus !== undefined || options.signal?.aborted === true) return run;
  const told = await leaveForSilent(about, silent, dependencies);
  for (const result of told.values()) onNode?.(result);
  return { ...run, nodes: run.nodes.map((result) => told.get(result.node) ?? result) };
}

/** They take it when they come back: then, too, it ends what runs and burns what they still have to get. */
async function leaveForSilent(
  about: Omit<Parameters<typeof signAbout>[0], 'waitMs'>,
  silent: readonly NodeResult[],
  { bus, clock, fleet, signing, subjects }: CancelDependencies,
): Promise<Map<string, NodeResult>> {
  const now = clock.now();
  const over = overAt(about.frames);
  const waitMs = over === undefined ? LIMITS.cancelWaitMs : Math.min(LIMITS.cancelWaitMs, over - now);
  if (waitMs <= 0)
    return new Map(
      silent.map((result) => [
        result.node,
        { ...result, reason: `${result.reason ?? 'no answer'}; the time of the job is over, so nothing of it runs` },
      ]),
    );
  const commands = await signAbout({ ...about, waitMs }, silent.map(({ node }) => node), signing()); // prettier-ignore
  const entries = commands.flatMap(({ bytes, nodes = [] }) =>
    nodes.map((node) => ({ node, message: bytes, until: now + waitMs })),
  );
  const { failed } = await queueCommands(entries, { bus, clock, fleet, subjects });
  const until = new Date(now + waitMs).toTimeString().slice(0, 5);
  return new Map(
    silent.map((result) => {
      const problem = failed.get(result.node);
      const more = problem?.reason ?? `the cancel waits for it until ${until}`;
      return [result.node, { ...result, reason: `${result.reason ?? 'no answer'}; ${more}` }];
    }),
  );
}
