/** `fleet job show` and `fleet job follow`: a job as its command would have shown it, from its record. */
import { ACTIONS } from '../../shared/actions/all.ts';
import { ProgramOutcome } from '../../shared/actions/exec.ts';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { countStates, exitCodeOf } from '../../shared/states.ts';
import type { App } from '../app.ts';
import type { Fleet } from '../fleet.ts';
import { unlessAborted } from '../interrupt.ts';
import type { FollowedJob } from '../job/follow-job.ts';
import { overAt, type JobView } from '../job/job-view.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { assertLive, openLive, type LiveFlags } from '../options/live-options.ts';
import { openOutput } from '../options/run-options.ts';
import { momentText } from '../render/durations.ts';
import { nodeCount, nodeNames } from '../render/node-names.ts';
import { openOf } from '../render/open-words.ts';
import { plannedText, unledText } from '../render/planned-words.ts';
import { queuedOf, queuedText, timeIsOverText } from '../render/queued-words.ts';
import { whatText } from '../render/what-words.ts';
import type { Output } from '../render/output.ts';
import { ADDRESSED_COMMANDS, type AddressedCommand, type RecordSummary, type Report } from '../report.ts';
import { createProblemTeller } from './tell-problems.ts';
import { tellUnled } from './tell-unled.ts';

/** Names shown of many; all are in the documents. */
const NAMES_CHARACTERS = 120;

export type JobShowFlags = GlobalFlags & LiveFlags;

/** @param node of this one alone, with all that its program wrote */
export function showJob(id: string, node: string | undefined, flags: JobShowFlags, app: App): Promise<void> {
  assertLive(flags);
  return withJob(id, flags, app, async (job) => {
    const { fleet, isLed, output, view } = job;
    const shown = node === undefined ? view : onlyNode(view, node);
    // The whole of it is read where somebody asks for it: for one node, or for files.
    const live = { live: node !== undefined, ...flags };
    await tellOutput(shown, node, live, job, app);
    const { nodes, unmatched, exit } = shown;
    const report = reportOf(fleet, shown, { nodes, unmatched, exit, ms: lastedMs(view, app), isLed });
    await finish(output, app, node === undefined ? report : { ...report, expected: 1 });
    if (!isLed) output.notice(unledText(view.planned, view.begun.job));
    if (shown.waitingUntil === undefined) return;
    const queued = queuedOf(shown.waiting, shown.waitingUntil);
    const isTimeOver = app.clock.now() > shown.waitingUntil;
    const words = isTimeOver ? timeIsOverText(queued, lastStartOver(view)) : queuedText(queued);
    output.notice(`${words} fleet job follow ${view.begun.job}`);
  });
}

export function followJobTo(id: string, flags: JobShowFlags, app: App): Promise<void> {
  assertLive(flags);
  return withJob(id, flags, app, async (job) => {
    const { fleet, isLed, output, view } = job;
    const { signal } = { signal: app.interrupt };
    const { nodes, unmatched, exit } = view;
    const ms = (): number => lastedMs(view, app);
    if (view.isOver) {
      await tellOutput(view, undefined, flags, job, app);
      return finish(output, app, reportOf(fleet, view, { nodes, unmatched, exit, ms: ms(), isLed }));
    }
    const jobs = await unlessAborted(fleet.jobs(), signal);
    const live = await openLive(flags, {
      output,
      isTerminal: app.stdout.isTTY === true,
      expected: view.begun.expected,
      isDefault: hasOutput(view),
    });
    const over = new AbortController();
    const telling = tellUnled(view, { jobs, output, signal: AbortSignal.any([over.signal, signal]) });
    const following = jobs.follow(view, {
      onNode: (result) => output.onNode(result),
      onProgress: (progress) => output.onProgress(progress),
      output: live && { ...live, afterMs: 0 },
      signal,
    });
    const followed = await following.finally(() => over.abort());
    await telling;
    // What its caller has concluded meanwhile is the job's own exit code.
    const after = followed.lostBus === undefined && !signal.aborted ? await jobs.read(id, signal) : undefined;
    const told = { ...followed, exit: exitOf(followed, after), ms: ms(), isLed };
    await finish(output, app, reportOf(fleet, stillOpen(view, followed, after), told));
    if (followed.abandoned.length > 0)
      output.warning(`Not followed any more; it goes on: fleet job follow ${view.begun.job}`);
    if (followed.lostBus !== undefined)
      output.warning(`The bus was lost: ${followed.lostBus}. The job goes on: fleet job follow ${view.begun.job}`);
  });
}

/** What its programs wrote so far, where somebody asks for that. */
async function tellOutput(
  view: JobView,
  node: string | undefined,
  flags: JobShowFlags,
  { fleet, output }: ShownJob,
  app: App,
): Promise<void> {
  const isTerminal = app.stdout.isTTY === true;
  const format = flags.output ?? 'table';
  const live = format === 'table' || format === 'ndjson' ? flags.live : false;
  const expected = node === undefined ? view.begun.expected : [node];
  const request = await openLive({ ...flags, live }, { output, isTerminal, expected, isDefault: false });
  if (request === undefined) return;
  const jobs = await unlessAborted(fleet.jobs(), app.interrupt);
  await jobs.readOutput(view, node, request, app.interrupt);
}

/** @throws UsageError `no-such-node` */
function onlyNode(view: JobView, node: string): JobView {
  const { begun, nodes, planned, running, unmatched, waiting, waitingUntil } = view;
  if (!begun.expected.includes(node))
    throw new UsageError(`${node} is not among the nodes of job ${begun.job}`, {
      code: 'no-such-node',
      hint: `Its nodes: ${nodeNames(begun.expected, null)}`,
    });
  return {
    ...view,
    nodes: nodes.filter((one) => one.node === node),
    running: running.filter((one) => one === node),
    planned: planned.filter((one) => one === node),
    unmatched: unmatched.filter((one) => one === node),
    waiting: waiting.filter((one) => one === node),
    waitingUntil: waiting.includes(node) ? waitingUntil : undefined,
  };
}

/** When who was away can neither begin it nor run it any more. */
function lastStartOver(view: JobView): number | undefined {
  const over = overAt(view);
  return over === undefined ? undefined : Math.max(over, (view.waitingUntil ?? 0) + LIMITS.clockSkewMs);
}

/** Whether it runs programs. */
const hasOutput = ({ begun: { action } }: JobView): boolean => ACTIONS.get(action)?.output === ProgramOutcome;

/** What is told of who has not ended: all that nobody waits for any more, and of these who is away. */
function stillOpen(view: JobView, followed: FollowedJob, after: JobView | undefined): JobView & Pick<Report, 'open'> {
  const isAway = new Set(view.waiting);
  const waiting = followed.open.map(({ node }) => node).filter((node) => isAway.has(node));
  const waitingUntil = waiting.length === 0 ? undefined : view.waitingUntil;
  const hadNoTurn = new Set((after ?? view).planned);
  const open = followed.open.filter(({ node }) => !isAway.has(node));
  const planned = open.map(({ node }) => node).filter((node) => hadNoTurn.has(node));
  const running = open.map(({ node }) => node).filter((node) => !hadNoTurn.has(node));
  return { ...view, running, waiting, planned, waitingUntil, ended: after?.ended, ...openOf(open) };
}

interface ShownJob {
  readonly fleet: Fleet;
  readonly output: Output;
  readonly view: JobView;
  /** Whether anybody gives nodes their turns; true where all have had theirs. */
  readonly isLed: boolean;
}

async function withJob(
  id: string,
  flags: JobShowFlags,
  app: App,
  show: (shown: ShownJob) => Promise<void>,
): Promise<void> {
  const context = await openContext(app, flags);
  const fleet = await openFleet(app, context);
  try {
    const jobs = await unlessAborted(fleet.jobs(), app.interrupt);
    const view = await unlessAborted(jobs.read(id, app.interrupt), app.interrupt);
    const isLed = view.planned.length === 0 || (await unlessAborted(jobs.isLed(view), app.interrupt));
    const output = await openOutput(commandOf(view), flags, app);
    const tellProblems = createProblemTeller(fleet, output);
    try {
      tellProblems();
      if (flags.output === undefined || flags.output === 'table') output.notice(headOf(view, isLed));
      await show({ fleet, output, view, isLed });
    } finally {
      output.stop();
    }
  } finally {
    await fleet.close();
  }
}

async function finish(output: Output, app: App, report: Report): Promise<void> {
  await output.onEnd(report);
  app.setExit(report.exit);
}

function exitOf({ abandoned, lostBus, nodes }: FollowedJob, after: JobView | undefined): number {
  if (lostBus !== undefined) return EXIT.bus;
  if (abandoned.length > 0) return EXIT.interrupted;
  // Of those who were away, nothing was given when the command ended.
  const given = after?.queued.length === 0 ? after.ended?.exit : undefined;
  return given ?? exitCodeOf(countStates(nodes.map(({ state }) => state)));
}

/** Programs may have asked for an action that no command line has: it looks like one that runs programs. */
function commandOf({ begun: { command } }: JobView): AddressedCommand {
  return ADDRESSED_COMMANDS.find((known) => known === command) ?? 'exec';
}

function reportOf(
  fleet: Fleet,
  view: Pick<JobView, 'begun' | 'cancelled' | 'ended' | 'planned' | 'running' | 'waiting' | 'waitingUntil'> &
    Pick<Report, 'open'>,
  told: Pick<JobView, 'nodes' | 'unmatched'> & { readonly exit: number; readonly ms: number; readonly isLed: boolean },
): Report {
  const { begun } = view;
  const { exit, ms, nodes, unmatched } = told;
  return {
    version: 1,
    command: commandOf({ begun } as JobView),
    job: begun.job,
    fleet: fleet.name,
    target: begun.target,
    expected: begun.expected.length,
    states: countStates(nodes.map(({ state }) => state)),
    unmatched: unmatched.length,
    exit,
    ms,
    nodes,
    ...(view.waitingUntil === undefined ? {} : { queued: queuedOf(view.waiting, view.waitingUntil) }),
    ...openOf(view.open),
    record: summaryOf(view, told.isLed),
  };
}

function summaryOf(
  {
    begun,
    cancelled,
    ended,
    planned,
    running,
    waiting,
  }: Pick<JobView, 'begun' | 'cancelled' | 'ended' | 'planned' | 'running' | 'waiting'>,
  isLed: boolean,
): RecordSummary {
  const { action, args, caller, issued, retryOf } = begun;
  const task = args['task'];
  return {
    caller,
    action,
    ...(action === 'task.run' && typeof task === 'string' ? { task } : {}),
    args,
    issued: new Date(issued).toISOString(),
    ended: ended === undefined ? null : new Date(ended.at).toISOString(),
    over: running.length + waiting.length + planned.length === 0,
    running,
    ...(planned.length === 0 ? {} : { planned: { nodes: planned, isLed } }),
    ...(retryOf === undefined ? {} : { retryOf }),
    ...(cancelled === undefined ? {} : { cancelled: new Date(cancelled.at).toISOString() }),
  };
}

/** `job 01… of alice: exec uname -r, on 3 nodes, 2026-11-21 17:02:11 UTC, over` */
function headOf({ begun, cancelled, isOver, planned, running, waiting }: JobView, isLed: boolean): string {
  const { caller, expected, issued, job, retryOf } = begun;
  const parts = [
    ...(running.length === 0 ? [] : [`running on ${nodeCount(running.length)}`]),
    ...(waiting.length === 0
      ? []
      : [`waiting for ${nodeCount(waiting.length)} that ${waiting.length === 1 ? 'is' : 'are'} away`]),
  ];
  if (planned.length > 0) parts.push(plannedText(planned.length, isLed));
  const state = isOver ? 'over' : parts.join(', ');
  const byWhom =
    cancelled === undefined ? '' : `, cancelled by ${caller} ${momentText(new Date(cancelled.at).toISOString())} UTC`;
  const later =
    cancelled === undefined || waiting.length === 0 ? '' : `; ${nodeNames(waiting, NAMES_CHARACTERS)} will hear of it`;
  const again = retryOf === undefined ? '' : `, tries ${retryOf} again`;
  return `job ${job} of ${caller}: ${whatText(begun)}, on ${nodeCount(expected.length)}, ${momentText(new Date(issued).toISOString())} UTC, ${state}${byWhom}${later}${again}`;
}

/** From its beginning to its end, or to now. */
function lastedMs({ begun, ended, overSince }: JobView, app: App): number {
  return Math.max(0, (overSince ?? ended?.at ?? app.clock.now()) - begun.issued);
}
