/**
 * Third and fourth step: sends what was planned, hears the answers, asks the silent again, and gives every node its final
 * state, whatever happens to the caller's patience or to the bus meanwhile.
 */
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { BatchLeader } from './batch/lead.ts';
import { compileBatch, worstCase, type BatchOptions } from './batch/rules.ts';
import type { BatchPast } from './batch/schedule.ts';
import type { ApprovalOptions } from './approval/approve-plan.ts';
import type { BusWatch } from './bus-watch.ts';
import type { RosterNode } from './directory.ts';
import { Incoming, type IncomingListeners } from './incoming.ts';
import { createCreditGiver } from './output/give-credit.ts';
import { LiveOutput, type OutputRequest } from './output/live-output.ts';
import type { Plan } from './plan.ts';
import { hearStarts } from './hear-starts.ts';
import { publishCommand } from './publish.ts';
import { Receiver, type ReceiverDependencies } from './receive.ts';
import type { NodeResult, OpenNode, Report } from './report.ts';
import { hearCancel } from './job/hear-cancel.ts';
import { isLeadLost } from './job/append-frame.ts';
import type { JobDescription, JobRecord } from './job/job-record.ts';
import type { SignedCommand, SigningContext } from './request.ts';
import type { SilentNodes } from './silent-nodes.ts';

export interface RunOptions extends IncomingListeners {
  /** Called before anything is sent, with what is. */
  readonly onPlan?: ((plan: Plan) => void) | undefined;
  /** How long a node has to acknowledge, in milliseconds. @default 2000 */
  readonly ackTimeoutMs?: number | undefined;
  /** For the whole command, in milliseconds; nodes stop what they run by then. */
  readonly deadlineMs?: number | undefined;
  /** One node after the other, and how many at once. @default all at once */
  readonly batch?: BatchOptions | undefined;
  /** Whether what is asked and answered is stored. @default what changes something is, unless it's a dry run */
  readonly record?: boolean | undefined;
  /** So long, what nodes that are away are sent waits for them. Only what is recorded can. @default they are unreachable */
  readonly untilMs?: number | undefined;
  /** For who reads the record. */
  readonly describe?: JobDescription | undefined;
  /** Of what is recorded: nobody waits, it's only handed over. @default false */
  readonly detach?: boolean | undefined;
  /** Others have to sign it before it's sent. */
  readonly approval?: ApprovalOptions | undefined;
  /** Who wants to see what programs write, while they do. @default nobody */
  readonly output?: OutputRequest | undefined;
  /** Aborting it starts nothing new; what was started is waited for. */
  readonly hold?: AbortSignal | undefined;
  /** Aborting it cancels the job, where it is recorded; its end is waited for. */
  readonly cancel?: AbortSignal | undefined;
  /** Called right before the first message goes out. */
  readonly onSent?: (() => void) | undefined;
  /** Told of a batch that a service would go on with. */
  readonly onService?: (name: string) => void;
}

/** What somebody else brought a batch to, for who takes it over. */
export interface RunPast {
  readonly batch: BatchPast;
  readonly nodes: readonly NodeResult[];
  readonly unmatched: readonly string[];
}

export interface RunResult {
  readonly job: string;
  readonly nodes: readonly NodeResult[];
  /** Expected nodes whose live facts don't match. */
  readonly unmatched: readonly string[];
  /** Expected nodes without a state, of a wait that ended before they did. */
  readonly open: readonly OpenNode[];
  /** Nodes that were still waited for when `signal` aborted. */
  readonly abandoned: readonly string[];
  /** Nodes whose turn had not come when `signal` aborted. */
  readonly notStarted: readonly string[];
  /** Who was away, and finds it in its queue when it comes back in time; undefined where nothing waits for anybody. */
  readonly queued: { readonly until: number; readonly nodes: readonly string[] } | undefined;
  /** How it went in batches; undefined where all started at once. */
  readonly batch: Report['batch'] | undefined;
  /** Why the bus was lost while nodes were waited for. */
  readonly lostBus: string | undefined;
  /** Whether what nodes answer is stored, and can be followed. */
  readonly recorded: boolean;
  /** It was handed over, and not waited for. */
  readonly detached: boolean;
  /** The service that goes on with what had no turn; undefined where nobody does. */
  readonly ledBy?: string | undefined;
  /** Somebody else leads it now: what is said here is what was known until then. */
  readonly lostLead?: boolean;
  /** Answers that were not what they said: forged, misplaced or damaged. */
  readonly rejected: number;
  readonly ms: number;
}

export interface RunDependencies extends Pick<ReceiverDependencies, 'keyWith'> {
  readonly caller: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly watch: Pick<BusWatch, 'lost' | 'onLost'>;
  readonly signing: () => SigningContext;
  readonly fleet: string;
  /** Of what is stored: every turn is in it before it's sent. Undefined where answers are only heard. */
  readonly records: Pick<JobRecord, 'add' | 'addQueued' | 'conclude'> | undefined;
  /** Whether, after it, it isn't known what the record has: then it's led no more. @default never */
  readonly isUncertain?: ((error: unknown) => boolean) | undefined;
  /** Has a service lead it on; resolves with its name, or without where nobody does. @default nobody */
  readonly giveLead?: (() => Promise<string | undefined>) | undefined;
  /** What is shown while it goes on ends on its nodes when nobody waits for it any more. @default it goes on there */
  readonly endsUnheard?: boolean;
  /** Who knows since when a node is away. */
  readonly silent?: SilentNodes | undefined;
}

interface PlanRunOptions extends Pick<
  RunOptions,
  'batch' | 'deadlineMs' | 'hold' | 'onNode' | 'onProgress' | 'onSent' | 'output' | 'signal'
> {
  /** @default it begins here */
  readonly past?: RunPast | undefined;
}

export async function runPlan(
  plan: Plan,
  ackTimeoutMs: number,
  options: PlanRunOptions,
  dependencies: RunDependencies,
): Promise<RunResult> {
  const { caller, bus, clock, records, subjects, trust, watch, signing } = dependencies;
  const { job, expected } = plan;
  const { past } = options;
  const started = clock.monotonic();
  // What is recorded is signed: others read it, too.
  const keyWith = records === undefined ? dependencies.keyWith : undefined;
  const receiver = new Receiver({ caller, job }, { subjects, trust, keyWith });
  // Whoever led it before sent some of these.
  if (past !== undefined) for (const command of plan.commands) receiver.expectAnswersTo(command);
  const isRecorded = records !== undefined;
  const credit = options.output === undefined || isRecorded ? undefined : createCreditGiver(job, dependencies);
  const output = options.output && new LiveOutput(options.output, { ...dependencies, job, receiver, credit });
  /** All that was sent, of what ends when nobody hears it. */
  const heard = new Set<SignedCommand>();
  const send = (command: SignedCommand, only?: ReadonlySet<string>): void => {
    receiver.expectAnswersTo(command);
    if (credit !== undefined && dependencies.endsUnheard === true) heard.add(command);
    credit?.expect(command.nodes ?? [], Buffer.from(command.id, 'hex'));
    publishCommand(command, { bus, subjects }, only);
  };
  const tryAgain = async (silent: readonly string[]): Promise<void> => {
    // The end of a lost bus is noticed elsewhere.
    if (watch.lost !== undefined) return;
    dependencies.silent?.ask(silent);
    if (leader !== undefined) return leader.sendAgain(silent);
    const commands = await plan.again(silent, signing());
    if (watch.lost !== undefined) return;
    for (const command of commands) send(command, new Set(silent));
  };
  /** Who doesn't answer may be away: it finds the command when it comes back. */
  const queueFor = async (silent: readonly string[]): Promise<void> => {
    if (records === undefined || watch.lost !== undefined) return;
    const { leaveFor } = await import('./queue/leave-for.ts');
    const { failed: why, queued } = await leaveFor(silent, plan, { ...dependencies, records });
    collector.leave(queued);
    for (const [node, { code, reason }] of why)
      collector.conclude({ node, state: 'unreachable', code, reason: `no answer, and ${reason}`, ms: null, isVerdict: true }); // prettier-ignore
    incoming.tellProgress();
  };
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  const isLost = (error: unknown): boolean => isLeadLost(error) || dependencies.isUncertain?.(error) === true;
  const names = expected.map(({ name }) => name);
  const rules = options.batch && compileBatch(options.batch, names.length);
  const leader =
    rules &&
    new BatchLeader(
      {
        rules,
        expected: names,
        deadlineMs: options.deadlineMs ?? (plan.leadUntil === undefined ? undefined : plan.leadUntil - clock.now()),
        usableUntil: plan.usableUntil,
        past: past?.batch,
      },
      {
        clock,
        release: async (nodesNow) => {
          // As it is known at this moment: what follows may be of a wait that is given up.
          const concluded = incoming.nodes.slice(told);
          told = incoming.nodes.length;
          const turn = await plan.turn(nodesNow, signing());
          await records?.add(turn, nodesNow, concluded);
          return turn;
        },
        recall: (nodesNow) => plan.turn(nodesNow, signing()),
        send,
        onStart: (nodesNow, mayStartUntil) => {
          collector.start(nodesNow, mayStartUntil);
          incoming.tellProgress();
        },
        onSkip: (skipped, cause) => {
          collector.skip(skipped, cause);
          // Who takes over starts none of them. Where that can't be written down, nobody leads here any more.
          const never = incoming.nodes.filter(({ state }) => state === 'skipped');
          void records?.conclude(never).catch((error: unknown) => (isLost(error) ? loseLead() : undefined));
        },
        onLeadLost: () => loseLead(),
        isLeadLost: isLost,
        onFailed: (error) => fail(error),
      },
    );
  let ledBy: string | undefined;
  let lostLead = false;
  /** How many results were written down, where they are to be. */
  let told = 0;
  const loseLead = (): void => {
    lostLead = true;
    leader?.end();
    collector.cease();
  };
  let giving: Promise<void> | undefined;
  const giveLead = (): Promise<void> => {
    leader?.pause();
    giving ??= (async () => {
      ledBy = leader && (await dependencies.giveLead?.());
    })();
    return giving;
  };
  const isOver = new Set([...(past?.nodes ?? []).map(({ node }) => node), ...(past?.unmatched ?? [])]);
  const incoming = new Incoming(
    {
      ...options,
      caller,
      job,
      isRecorded,
      known: past,
      collect: {
        expected: names.filter((name) => !isOver.has(name)),
        hopeless: hopelessOf(expected),
        ackTimeoutMs,
        deadlineMs: options.deadlineMs,
        mayStartUntil: plan.mayStartUntil,
        welcome: plan.welcome,
        inTurns: leader !== undefined,
      },
    },
    {
      wordsOfSilent: (node) => dependencies.silent?.wordsOf(node),
      tryAgain: (silent) => void tryAgain(silent).catch(fail),
      onEnded: (node, state) => leader?.ended(node, state),
      beforeStop: () => giveLead(),
      onStop: (cause) => {
        const goesOn = cause.code === 'bus-lost' ? plan.leadUntil !== undefined : ledBy !== undefined;
        if (!goesOn) return leader?.stop(cause);
        leader?.end();
        incoming.handOn(ledBy === undefined ? BUS_LOST : handedOver(ledBy));
      },
      batch: () => leader?.progress,
      prepare: async () => {
        const again = (node: string): void => void tryAgain([node]).catch(fail);
        const isWaitedFor = (node: string): boolean => collector.isWaitingFor(node);
        const starts = hearStarts(names, again, { bus, subjects, trust, isWaitedFor });
        if (leader === undefined || !isRecorded) return starts;
        const cancels = await hearCancel({ caller, job }, dependencies, (cause) => leader.stop(cause));
        return { close: () => [starts, cancels].forEach((subscription) => subscription.close()) };
      },
      onSilent: plan.waitsForAway === true ? (silent) => void queueFor(silent).catch(fail) : undefined,
    },
    { ...dependencies, receiver, output },
  );
  const { collector } = incoming;
  const hold = (): void => void giveLead().then(() => incoming.hold(), fail);
  try {
    await incoming.until(() => {
      options.onSent?.();
      options.hold?.addEventListener('abort', hold, { once: true });
      if (leader === undefined) for (const command of plan.commands) send(command);
      else leader.begin();
    }, failed);
  } finally {
    leader?.end();
    options.hold?.removeEventListener('abort', hold);
  }
  const { abandoned, lostBus, nodes, notStarted, open, unmatched } = incoming;
  if (abandoned.length > 0 && heard.size > 0 && lostBus === undefined) {
    const { endUnheard } = await import('./job/end-unheard.ts');
    // Where it isn't heard, they end it for want of credit.
    await endUnheard({ job, commands: [...heard], nodes: abandoned }, signing(), { bus, subjects }).catch(
      () => undefined,
    );
  }
  return {
    job,
    nodes,
    unmatched,
    open,
    abandoned,
    notStarted,
    queued: plan.waitsForAway === true ? { until: plan.startBy, nodes: collector.left } : undefined,
    batch: rules && {
      ...rules,
      tolerated: rules.tolerated ?? null,
      worstCase: worstCase(rules, expected.length),
      stopped: leader?.stopped?.code ?? null,
    },
    lostBus,
    recorded: isRecorded,
    detached: false,
    ledBy,
    lostLead,
    rejected: receiver.rejected,
    ms: Math.round((clock.monotonic() - started) * 100) / 100,
  };
}

const handedOver = (by: string): string =>
  `its turn had not come when the wait was interrupted; the service ${by} goes on with it`;
const BUS_LOST = 'its turn had not come when the bus was lost; a service goes on with it, where one runs';

function hopelessOf(expected: readonly RosterNode[]): Map<string, string> {
  return new Map(
    expected.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [[name, `its answers can't be trusted: ${problem}`] as const],
    ),
  );
}
