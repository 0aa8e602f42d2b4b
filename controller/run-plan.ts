/**
 * Third and fourth step: sends what was planned, hears the answers, asks the silent again, and gives every node its final
 * state, whatever happens to the caller's patience or to the bus meanwhile.
 */
import type { Bus, BusMessage, Subscription } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { InterruptedError } from '../shared/errors.ts';
import { jobStream } from '../shared/streams.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { createSharing } from './aggregate/share.ts';
import { BatchLeader, type BatchProgress } from './batch/lead.ts';
import { compileBatch, worstCase, type BatchOptions } from './batch/rules.ts';
import type { ApprovalOptions } from './approval/approve-plan.ts';
import type { BusWatch } from './bus-watch.ts';
import { Collector } from './collect.ts';
import type { RosterNode } from './directory.ts';
import type { Plan } from './plan.ts';
import { publishCommand } from './publish.ts';
import { Receiver } from './receive.ts';
import type { NodeResult, Report } from './report.ts';
import type { JobDescription, JobRecord } from './job/job-record.ts';
import type { SignedCommand, SigningContext } from './request.ts';

export interface RunOptions {
  /** How long a node has to acknowledge, in milliseconds. @default 2000 */
  readonly ackTimeoutMs?: number | undefined;
  /** For the whole command, in milliseconds; nodes stop what they run by then. */
  readonly deadlineMs?: number | undefined;
  readonly onNode?: (result: NodeResult) => void;
  /** Called when something has changed in who is waited for. */
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly expected: number;
    readonly waiting: string[];
    readonly batch?: BatchProgress | undefined;
  }) => void;
  /** One node after the other, and how many at once. @default all at once */
  readonly batch?: BatchOptions | undefined;
  /** Whether what is asked and answered is stored. @default what changes something is, unless it's a dry run */
  readonly record?: boolean | undefined;
  /** For who reads the record. */
  readonly describe?: JobDescription | undefined;
  /** Of what is recorded: nobody waits, it's only handed over. @default false */
  readonly detach?: boolean | undefined;
  /** Others have to sign it before it's sent. */
  readonly approval?: ApprovalOptions | undefined;
  /** Aborting stops the wait; the nodes go on. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  readonly job: string;
  readonly nodes: readonly NodeResult[];
  /** Expected nodes whose live facts don't match. */
  readonly unmatched: readonly string[];
  /** Nodes that were still waited for when `signal` aborted; their states are what was true then. */
  readonly abandoned: readonly string[];
  /** Nodes whose turn had not come when `signal` aborted. */
  readonly notStarted: readonly string[];
  /** How it went in batches; undefined where all started at once. */
  readonly batch: Report['batch'] | undefined;
  /** Why the bus was lost while nodes were waited for; their states are what was true then. */
  readonly lostBus: string | undefined;
  /** Whether what nodes answer is stored, and can be followed. */
  readonly recorded: boolean;
  /** It was handed over, and not waited for. */
  readonly detached: boolean;
  /** Answers that were not what they said: forged, misplaced or damaged. */
  readonly rejected: number;
  readonly ms: number;
}

export interface RunDependencies {
  readonly caller: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly watch: BusWatch;
  readonly signing: () => SigningContext;
  readonly fleet: string;
  /** Of what is stored: every turn is in it before it's sent. Undefined where answers are only heard. */
  readonly records: Pick<JobRecord, 'add'> | undefined;
}

type PlanRunOptions = Pick<RunOptions, 'batch' | 'deadlineMs' | 'onNode' | 'onProgress' | 'signal'>;

/** Hands a recorded job over to the bus. */
export async function sendPlan(
  plan: Plan,
  { bus, subjects }: Pick<RunDependencies, 'bus' | 'subjects'>,
): Promise<RunResult> {
  for (const command of plan.commands) publishCommand(command, { bus, subjects });
  await bus.flush();
  const nothing = { nodes: [], unmatched: [], abandoned: [], notStarted: [], batch: undefined, lostBus: undefined, rejected: 0, ms: 0 }; // prettier-ignore
  return { job: plan.job, ...nothing, recorded: true, detached: true };
}

export async function runPlan(
  plan: Plan,
  ackTimeoutMs: number,
  options: PlanRunOptions,
  dependencies: RunDependencies,
): Promise<RunResult> {
  const { caller, bus, clock, fleet, records, subjects, trust, watch, signing } = dependencies;
  const { job, expected } = plan;
  const started = clock.monotonic();
  const nodes: NodeResult[] = [];
  const unmatched: string[] = [];
  // Thousands of nodes give the same output: it is kept once.
  const share = createSharing();
  const receiver = new Receiver({ caller, job }, { subjects, trust });
  const send = (command: SignedCommand, only?: ReadonlySet<string>): void => {
    receiver.expectAnswersTo(command);
    publishCommand(command, { bus, subjects }, only);
  };
  const tryAgain = async (silent: readonly string[]): Promise<void> => {
    // The end of a lost bus is noticed elsewhere.
    if (watch.lost !== undefined) return;
    if (leader !== undefined) return leader.sendAgain(silent);
    const commands = await plan.again(silent, signing());
    if (watch.lost !== undefined) return;
    for (const command of commands) send(command, new Set(silent));
  };
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  const names = expected.map(({ name }) => name);
  const rules = options.batch && compileBatch(options.batch, names.length);
  const leader =
    rules &&
    new BatchLeader(
      { rules, expected: names, deadlineMs: options.deadlineMs, usableUntil: plan.usableUntil },
      {
        clock,
        sign: async (nodesNow) => {
          const turn = await plan.turn(nodesNow, signing());
          await records?.add(turn);
          return turn;
        },
        send,
        onStart: (nodesNow, mayStartUntil) => {
          collector.start(nodesNow, mayStartUntil);
          options.onProgress?.(progress);
        },
        onSkip: (skipped, cause) => collector.skip(skipped, cause),
        onFailed: (error) => fail(error),
      },
    );
  const collector = new Collector(
    {
      expected: names,
      hopeless: hopelessOf(expected),
      ackTimeoutMs,
      deadlineMs: options.deadlineMs,
      mayStartUntil: plan.mayStartUntil,
      welcome: plan.welcome,
      inTurns: leader !== undefined,
    },
    {
      clock,
      tryAgain: (silent) => void tryAgain(silent).catch(fail),
      onNode: (received) => {
        const result = share(received);
        nodes.push(result);
        options.onNode?.(result);
        leader?.ended(result.node, result.state);
      },
      onUnmatched: (node) => {
        unmatched.push(node);
        leader?.ended(node, 'unmatched');
      },
    },
  );
  // Asked for when it is drawn, a few times a second, and not at each of ten thousand answers.
  const progress = {
    get done() {
      return nodes.length + unmatched.length;
    },
    expected: expected.length,
    get waiting() {
      return collector.waiting;
    },
    get batch() {
      return leader?.progress;
    },
  };
  const answers = subjects.resultsOf(caller, job);
  const take = (message: BusMessage): void => {
    const result = receiver.receive(message);
    // Of a recorded one, the whole answer is in the record.
    if (result === undefined || (records !== undefined && result.code === 'answer-dropped')) return;
    collector.take(result);
    options.onProgress?.(progress);
  };
  const subscription = bus.subscribe(answers, take);
  let abandoned: string[] = [];
  let notStarted: string[] = [];
  const stop = (): void => {
    abandoned = collector.waiting;
    notStarted = collector.planned;
    leader?.stop({ code: 'interrupted', reason: 'never started: the command was interrupted' });
    collector.stop('the wait was interrupted');
  };
  let lostBus: string | undefined;
  const unwatch = watch.onLost(answers, (why) => {
    if (collector.isOver) return;
    lostBus = why;
    leader?.stop({ code: 'bus-lost', reason: 'never started: the bus was lost' });
    collector.stop('the bus was lost');
  });
  options.signal?.addEventListener('abort', stop, { once: true });
  let following: Subscription | undefined;
  try {
    // Before anything is sent, so that no answer is missed.
    if (records !== undefined)
      following = await bus.follow(jobStream(fleet), subjects.recordsOf(caller, job), ({ subject, data }) =>
        take({ subject, data }),
      );
    if (options.signal?.aborted === true)
      throw new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
    if (leader === undefined) for (const command of plan.commands) send(command);
    else leader.begin();
    await Promise.race([collector.done, failed]);
  } finally {
    leader?.end();
    collector.stop('the command failed');
    options.signal?.removeEventListener('abort', stop);
    unwatch();
    following?.close();
    subscription.close();
  }
  return {
    job,
    nodes,
    unmatched,
    abandoned,
    notStarted,
    batch: rules && {
      ...rules,
      tolerated: rules.tolerated ?? null,
      worstCase: worstCase(rules, expected.length),
      stopped: leader?.stopped?.code ?? null,
    },
    lostBus,
    recorded: records !== undefined,
    detached: false,
    rejected: receiver.rejected,
    ms: Math.round((clock.monotonic() - started) * 100) / 100,
  };
}

function hopelessOf(expected: readonly RosterNode[]): Map<string, string> {
  return new Map(
    expected.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [[name, `its answers can't be trusted: ${problem}`] as const],
    ),
  );
}
