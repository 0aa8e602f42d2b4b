/**
 * Third and fourth step: sends what was planned, hears the answers, asks the silent again, and gives every node its final
 * state, whatever happens to the caller's patience or to the bus meanwhile.
 */
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { createSharing } from './aggregate/share.ts';
import type { ApprovalOptions } from './approval/approve-plan.ts';
import type { BusWatch } from './bus-watch.ts';
import { Collector } from './collect.ts';
import type { RosterNode } from './directory.ts';
import type { Plan } from './plan.ts';
import { publishCommand } from './publish.ts';
import { Receiver } from './receive.ts';
import type { NodeResult } from './report.ts';
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
  }) => void;
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
  /** Why the bus was lost while nodes were waited for; their states are what was true then. */
  readonly lostBus: string | undefined;
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
}

export async function runPlan(
  plan: Plan,
  ackTimeoutMs: number,
  options: Omit<RunOptions, 'ackTimeoutMs' | 'approval'>,
  dependencies: RunDependencies,
): Promise<RunResult> {
  const { caller, bus, clock, subjects, trust, watch, signing } = dependencies;
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
    const commands = await plan.again(silent, signing());
    if (watch.lost !== undefined) return;
    for (const command of commands) send(command, new Set(silent));
  };
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  const collector = new Collector(
    {
      expected: expected.map(({ name }) => name),
      hopeless: hopelessOf(expected),
      ackTimeoutMs,
      deadlineMs: options.deadlineMs,
      mayStartUntil: plan.mayStartUntil,
      welcome: plan.welcome,
    },
    {
      clock,
      tryAgain: (silent) => void tryAgain(silent).catch(fail),
      onNode: (received) => {
        const result = share(received);
        nodes.push(result);
        options.onNode?.(result);
      },
      onUnmatched: (node) => unmatched.push(node),
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
  };
  const answers = subjects.resultsOf(caller, job);
  const subscription = bus.subscribe(answers, (message) => {
    const result = receiver.receive(message);
    if (result === undefined) return;
    collector.take(result);
    options.onProgress?.(progress);
  });
  let abandoned: string[] = [];
  const stop = (): void => {
    abandoned = collector.waiting;
    collector.stop('the wait was interrupted');
  };
  let lostBus: string | undefined;
  const unwatch = watch.onLost(answers, (why) => {
    if (collector.waiting.length === 0) return;
    lostBus = why;
    collector.stop('the bus was lost');
  });
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    for (const command of plan.commands) send(command);
    await Promise.race([collector.done, failed]);
  } finally {
    collector.stop('the command failed');
    options.signal?.removeEventListener('abort', stop);
    unwatch();
    subscription.close();
  }
  return {
    job,
    nodes,
    unmatched,
    abandoned,
    lostBus,
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
