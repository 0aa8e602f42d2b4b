/**
 * The way of every command that addresses nodes: context → target → expected set → send → collect → report → exit code.
 * The command's own file says what to send, and what the report has beyond the common shape.
 */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import { countStates } from '../../shared/states.ts';
import type { InventoryBody } from '../../shared/wire/inventory.ts';
import type { SecretValues } from '../../shared/wire/sealed-arguments.ts';
import type { App } from '../app.ts';
import { confirm } from '../confirm.ts';
import { exitOfRun } from '../run-exit.ts';
import type { ApprovalOptions } from '../approval/approve-plan.ts';
import type { RunResult } from '../run-plan.ts';
import { unlessAborted } from '../interrupt.ts';
import type { Attempts } from '../job/attempts.ts';
import { isWorthRetrying } from '../job/not-done.ts';
import { listenToInterrupts, type Interrupts } from '../interrupts.ts';
import { narrowToJob, readFromJob } from '../job/job-nodes.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { addOutputOptions, addRunOptions, openOutput, readTiming, type RunFlags } from '../options/run-options.ts';
import { compileBatch } from '../batch/rules.ts';
import { addBatchOptions, readBatch, type BatchFlags } from '../options/batch-options.ts';
import { assertLive, openLive, type LiveFlags } from '../options/live-options.ts';
import { badValue } from '../options/parse-values.ts';
import { readUntil } from '../options/read-until.ts';
import { addTargetOptions, describeTarget, readTarget, type TargetFlags } from '../options/target-options.ts';
import { worstCaseCount, worstCaseText } from '../render/batch-words.ts';
import { countdownText } from '../render/durations.ts';
import { wayText } from '../render/way-words.ts';
import type { Output } from '../render/output.ts';
import { awayText, nodeCount } from '../render/node-names.ts';
import { openOf } from '../render/open-words.ts';
import { queuedOf, queuedText } from '../render/queued-words.ts';
import type { AddressedCommand, NodeResult, Report } from '../report.ts';
import { resolveOnline, type ResolvedOnline } from '../resolve-online.ts';
import type { Resolved, TargetSpec } from '../resolve.ts';
import { isWholeFleet } from '../target.ts';
import { createProblemTeller } from './tell-problems.ts';

export interface AddressedFlags extends GlobalFlags, TargetFlags, RunFlags, BatchFlags, LiveFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly withApproval?: boolean;
  readonly approvals?: string;
  readonly record?: boolean;
  readonly fromJob?: string;
  readonly state?: string;
  readonly detach?: boolean;
  readonly until?: string;
}

/** What goes to the nodes. */
export interface Instruction {
  readonly action: string;
  readonly args: Record<string, unknown>;
  readonly effect: 'reads' | 'changes';
  /** Arguments that go sealed, by name. @default none */
  readonly secrets?: SecretValues | undefined;
  /** What it tries again. @default nothing */
  readonly retryOf?: Attempts | undefined;
}

export interface AddressedCommandDefinition {
  readonly command: AddressedCommand;
  readonly effect: 'reads' | 'changes';
  /** Called once the target is known: what is wrong with the command line alone is found before. */
  readonly instruct: (at: InstructionContext) => Promise<Instruction> | Instruction;
  /** The instruction depends on what nodes published: the inventory is read. */
  readonly needsInventory?: boolean;
  /** Whether what is meant only reads on these nodes, although the command may change something: nobody is asked then. */
  readonly onlyReads?: (at: InstructionContext) => boolean;
  /** What the report has besides the common shape. */
  readonly extend?: (nodes: readonly NodeResult[]) => Partial<Report>;
  /** A last word about what came; undefined where there is nothing to say. */
  readonly remark?: (nodes: readonly NodeResult[]) => string | undefined;
  readonly keepsData?: boolean;
  /** Told where nobody is meant. @default the summary says so */
  readonly nobody?: string;
  /** It runs programs: what they write can be seen while they do. */
  readonly writes?: boolean;
}

export interface InstructionContext {
  readonly expected: readonly string[];
  readonly inventory: ReadonlyMap<string, InventoryBody>;
  readonly target: TargetSpec;
  /** Told to the person before anything is sent. */
  warn(text: string): void;
}

/** Adds what every addressing command has. */
export function addAddressing(command: Command, effect: 'reads' | 'changes'): Command {
  addTargetOptions(command, effect);
  command
    .option('--from-job <JOB>', 'nodes that an earlier job was for')
    .option('--state <STATES>', 'of them, those where it ended so: failed,lost,…');
  addRunOptions(command);
  addBatchOptions(command);
  if (effect === 'reads') command.option('--record', 'store what is asked and answered: fleet job show');
  else
    command
      .option('--no-record', 'store nothing of it: it can only be waited for')
      .option('--detach', 'hand it over, print the id of the job, and do not wait: fleet job follow')
      .option('--until <DURATION>', 'nodes that are away get it when they come back within that time: 24h')
      .option('--dry-run', 'say what would be done, and do nothing')
      .option('--with-approval', 'wait until another operator has signed it, too: fleet approve')
      .option('--approvals <COUNT>', 'how many others have to sign it (default: as many as the policy asks for)')
      .option('-y, --yes', 'no question before something is changed on the whole fleet');
  return addOutputOptions(command);
}

export async function runAddressed(
  definition: AddressedCommandDefinition,
  flags: AddressedFlags,
  app: App,
): Promise<void> {
  const context = await openContext(app, flags);
  const said = readTarget(flags, context);
  assertLive(flags);
  const fromJob = readFromJob(flags.fromJob, flags.state);
  if (flags.all === true && fromJob !== undefined) throw badTarget();
  const timing = readTiming(flags, context);
  const batch = readBatch(flags, context, definition.effect);
  const dryRun = flags.dryRun === true;
  const mayAsk =
    definition.effect === 'changes' &&
    !dryRun &&
    flags.all !== true &&
    flags.yes !== true &&
    fromJob === undefined &&
    isWholeFleet(said);
  const isRecorded = flags.record === true && !dryRun;
  if (flags.detach === true && !isRecorded) throw needsRecord();
  const untilMs = readUntil(flags, { isRecorded, batch });
  const approvals = readApprovals(flags);
  const canAsk = app.stdin.isTTY === true;
  if (mayAsk && !canAsk && definition.onlyReads === undefined) throw needsTarget();

  const orInterrupted = <T>(work: Promise<T>): Promise<T> => unlessAborted(work, app.interrupt);
  const started = app.clock.monotonic();
  const output = await openOutput(definition.command, flags, app);
  const fleet = await openFleet(app, context, output);
  const tellProblems = createProblemTeller(fleet, output);
  let interrupts: Interrupts | undefined;
  try {
    const narrowing = { signal: app.interrupt, notice: (text: string) => output.notice(text) };
    const target = fromJob === undefined ? said : await orInterrupted(narrowToJob(said, fromJob, fleet, narrowing));
    const inventory = definition.needsInventory === true ? await orInterrupted(fleet.inventory()) : undefined;
    const asking = { ackTimeoutMs: timing.ackTimeoutMs, signal: app.interrupt };
    const resolving: Promise<Resolved & Partial<ResolvedOnline>> =
      flags.online === true ? resolveOnline(fleet, target, inventory, asking) : fleet.resolve(target, inventory);
    const { away, ...resolved } = await orInterrupted(resolving);
    tellProblems();
    if (away !== undefined && away.length > 0) output.notice(awayText(away));
    const expected = resolved.expected.map(({ name }) => name);
    const report = (
      run: Pick<RunResult, 'nodes' | 'unmatched' | 'abandoned' | 'notStarted' | 'batch' | 'lostBus' | 'detached'> &
        Partial<Pick<RunResult, 'open' | 'queued' | 'recorded'>> & { job: string | null },
    ): Report => ({
      version: 1,
      command: definition.command,
      job: run.job,
      fleet: fleet.name,
      target: describeTarget(flags, said),
      expected: expected.length,
      states: countStates(run.nodes.map(({ state }) => state)),
      unmatched: run.unmatched.length,
      exit: interrupts?.cancel.aborted === true ? EXIT.interrupted : exitOfRun(run),
      ms: Math.round(app.clock.monotonic() - started),
      nodes: definition.keepsData === false ? run.nodes.map(withoutData) : run.nodes,
      ...(away === undefined ? {} : { away: away.toSorted(compareNatural) }),
      ...(dryRun ? { dryRun: true as const } : {}),
      ...(run.queued === undefined ? {} : { queued: queuedOf(run.queued.nodes, run.queued.until) }),
      ...openOf(run.open),
      ...(run.batch === undefined ? {} : { batch: run.batch }),
      ...(run.detached ? { detached: true as const } : {}),
      ...(run.recorded === true ? { recorded: true as const } : {}),
      ...definition.extend?.(run.nodes),
    });
    if (expected.length === 0) {
      if (definition.nobody !== undefined) output.notice(definition.nobody);
      return await finish(
        output,
        app,
        report({
          job: null,
          nodes: [],
          unmatched: [],
          abandoned: [],
          notStarted: [],
          batch: undefined,
          lostBus: undefined,
          detached: false,
        }),
      );
    }

    const at: InstructionContext = {
      expected,
      inventory: inventory ?? new Map(),
      target,
      warn: (text) => output.warning(text),
    };
    const instruction = await orInterrupted(Promise.resolve(definition.instruct(at)));
    const asks = mayAsk && definition.onlyReads?.(at) !== true;
    if (asks && !canAsk) throw needsTarget();
    if (flags.limit !== undefined)
      output.notice(`--limit drew ${nodeCount(expected.length)}; --seed ${target.seed} draws the same again`);
    const rules = batch && compileBatch(batch, expected.length);
    if (rules !== undefined) output.notice(worstCaseText(rules, expected.length));
    // The question says it, too: quiet or not, it's what is decided about.
    const worst = rules === undefined ? '' : ` (at worst ${worstCaseCount(rules, expected.length)} hurt)`;
    const change = `This changes something on ${wholeFleet(expected.length)} of fleet ${fleet.name}${worst}.`;
    if (asks && !(await confirm(`${change} Go on?`, app)))
      throw new UsageError('nothing was sent', { code: 'not-confirmed' });
    const live =
      definition.writes === true
        ? await openLive(flags, { output, isTerminal: app.stdout.isTTY === true, expected, isDefault: !dryRun && flags.detach !== true }) // prettier-ignore
        : undefined;
    const approval = approvals === undefined ? undefined : { ...approvals, ...waitingWords(output) };
    interrupts = listenToInterrupts(app, isRecorded && flags.detach !== true, (text) => output.warning(text));
    const run = await fleet.run({ ...instruction, dryRun, timeoutMs: timing.timeoutMs }, target, resolved, {
      ackTimeoutMs: timing.ackTimeoutMs,
      approval,
      batch,
      deadlineMs: timing.deadlineMs,
      record: isRecorded,
      describe: { command: definition.command, target: describeTarget(flags, said) },
      detach: flags.detach === true,
      untilMs,
      onPlan: flags.explain === true ? (plan) => output.warning(wayText(plan, resolved)) : undefined,
      onService: (name) => {
        interrupts?.hasService(name);
        output.notice(`The service ${name} goes on with it if this terminal is gone.`);
      },
      onNode: (result) => output.onNode(definition.keepsData === false ? withoutData(result) : result),
      onProgress: (progress) => output.onProgress(progress),
      output: live,
      hold: interrupts.hold,
      cancel: interrupts.cancel,
      onSent: interrupts.onSent,
      signal: AbortSignal.any([interrupts.signal, ...(definition.effect === 'reads' ? [output.closed] : [])]),
    });
    if (run.rejected > 0)
      output.warning(
        run.rejected === 1
          ? '1 answer was not what it said (forged, misplaced or damaged) and was left out'
          : `${run.rejected} answers were not what they said (forged, misplaced or damaged) and were left out`,
      );
    await finish(output, app, report(run));
    const remark = definition.remark?.(run.nodes);
    if (remark !== undefined) output.notice(remark);
    const isCancelled = interrupts.cancel.aborted;
    const goesOn = isCancelled ? shownWords(run.job) : run.recorded ? followWords(run.job) : goesOnWords(instruction.effect); // prettier-ignore
    if (run.abandoned.length + run.notStarted.length > 0) output.warning(stoppedWords(run, goesOn, isCancelled));
    else if (run.lostBus === undefined && run.recorded && isWorthRetrying(run.nodes))
      output.notice(`Again where it was not done: fleet job retry ${run.job}`);
    if (run.lostBus !== undefined) output.warning(`The bus was lost: ${run.lostBus}.${goesOn}`);
    const isQueued = run.queued !== undefined && run.queued.nodes.length > 0;
    if (run.queued !== undefined && isQueued)
      output.notice(`${queuedText(queuedOf(run.queued.nodes, run.queued.until))} fleet job follow ${run.job}`);
    // Where it is, and how to follow it, is said once.
    if (run.detached && isQueued) return;
    if (run.detached) output.notice(`${handedWords(run, expected.length)}${followWords(run.job)}`);
    else if (flags.detach === true) output.warning('No service took it, so this command line led it to its end.');
  } finally {
    interrupts?.end();
    output.stop();
    await fleet.close();
    tellProblems();
  }
}

/** @throws UsageError `bad-value` */
function readApprovals({ approvals, withApproval }: AddressedFlags): { count: number | undefined } | undefined {
  if (approvals === undefined) return withApproval === true ? { count: undefined } : undefined;
  const count = Number(approvals);
  if (Number.isInteger(count) && count >= 1 && count <= LIMITS.approvals) return { count };
  throw badValue('--approvals', approvals, `a number from 1 to ${LIMITS.approvals}`);
}

function waitingWords(output: Output): Pick<ApprovalOptions, 'onWaiting' | 'onApproved'> {
  return {
    // Quiet or not: nobody would know what to approve.
    onWaiting: ({ job, leftMs }) =>
      output.warning(`waiting for a second operator: fleet approve ${job} (${countdownText(leftMs)} left)`),
    onApproved: ({ name }) => output.notice(`${name} has signed it`),
  };
}

async function finish(output: Output, app: App, report: Report): Promise<void> {
  await output.onEnd(report);
  app.setExit(report.exit);
}

const wholeFleet = (count: number): string => (count === 1 ? 'the only node' : `all ${count} nodes`);

/**
 * The first interrupt cancels nothing: what is recorded goes on by itself, and all else just isn't waited for any more.
 * But nothing new is started: that is this command's to do.
 */
function stoppedWords(
  { abandoned, ledBy, notStarted, recorded }: RunResult,
  goesOn: string,
  isCancelled: boolean,
): string {
  const [left, skipped] = [abandoned.length, notStarted.length];
  return [
    isCancelled ? 'Cancelled: ' : recorded ? 'Detached: ' : 'Interrupted: ',
    ...(left === 0 ? [] : [`${left === 1 ? '1 node is' : `${left} nodes are`} not waited for any more`]),
    ...(left === 0 || skipped === 0 ? [] : ['; ']),
    ...(skipped === 0
      ? []
      : [
          ledBy === undefined
            ? `${skipped === 1 ? '1 node was' : `${skipped} nodes were`} never started`
            : isCancelled
              ? `the service ${ledBy}, which had it by then, starts nothing new`
              : `the service ${ledBy} goes on with ${skipped === 1 ? 'the 1 node that has' : `the ${skipped} nodes that have`} not had a turn`,
        ]),
    `.${left === 0 && ledBy === undefined ? '' : goesOn}`,
  ].join('');
}

const shownWords = (job: string): string => ` What became of it: fleet job show ${job}`;
const handedWords = ({ ledBy }: RunResult, count: number): string =>
  ledBy === undefined
    ? `${nodeCount(count)} ${count === 1 ? 'was' : 'were'} sent it.`
    : `The service ${ledBy} leads it through ${nodeCount(count)}.`;

const followWords = (job: string): string => ` The job goes on: fleet job follow ${job}`;

function goesOnWords(effect: 'reads' | 'changes'): string {
  return effect === 'changes' ? ' What was started there goes on, and its outcome is not recorded.' : '';
}

function withoutData(result: NodeResult): NodeResult {
  const { data: _, ...rest } = result;
  return rest;
}

function badTarget(): UsageError {
  return new UsageError('--all means the whole fleet, and --from-job names a part of it', {
    code: 'bad-target',
    hint: 'Leave one of them out.',
  });
}

function needsRecord(): UsageError {
  return new UsageError('what is not recorded can only be waited for', {
    code: 'needs-record',
    hint: 'Leave out --detach, or --no-record and --dry-run.',
  });
}

function needsTarget(): UsageError {
  return new UsageError('this changes something, and no target was said', {
    code: 'needs-target',
    hint: 'Say who is meant (--where, --node, …), or --all for the whole fleet.',
  });
}
