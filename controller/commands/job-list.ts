/** `fleet job list`: which jobs there are, by caller, state, action, node and time. */
import { EXIT, UsageError } from '../../shared/errors.ts';
import { matchesName, parseNameSelector } from '../../shared/names/selector.ts';
import { FINAL_STATES, countStates, type StateCounts } from '../../shared/states.ts';
import { canonicalText } from '../aggregate/canonical.ts';
import type { App } from '../app.ts';
import { unlessAborted } from '../interrupt.ts';
import type { JobSource } from '../job/job-source.ts';
import type { JobFrames } from '../job/job-view.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { parseMoment } from '../options/parse-moment.ts';
import { badValue } from '../options/parse-values.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { momentText } from '../render/durations.ts';
import { nodeCount } from '../render/node-names.ts';
import { plannedText } from '../render/planned-words.ts';
import { whatText } from '../render/what-words.ts';
import type { ListReport } from '../report.ts';
import { createProblemTeller } from './tell-problems.ts';

export interface JobListFlags extends GlobalFlags, OutputFlags {
  readonly caller?: string[];
  readonly state?: string[];
  readonly action?: string[];
  readonly node?: string[];
  readonly since?: string;
  readonly until?: string;
}

/** Today's, and what a night shift did. */
const DEFAULT_SINCE_MS = 24 * 60 * 60_000;
const LIST_STATES = ['running', 'ended', ...FINAL_STATES];

export async function listJobs(flags: JobListFlags, app: App): Promise<void> {
  const now = app.clock.now();
  const until = flags.until === undefined ? undefined : parseMoment(flags.until, '--until', now);
  const since =
    flags.since === undefined ? (until ?? now) - DEFAULT_SINCE_MS : parseMoment(flags.since, '--since', now);
  const isMeant = compileFilter(flags, until);
  const context = await openContext(app, flags);
  const output = await openOutput('job list', flags, app);
  const fleet = await openFleet(app, context, output);
  const tellProblems = createProblemTeller(fleet, output);
  try {
    const jobs = await unlessAborted(fleet.jobs(), app.interrupt);
    tellProblems();
    const frames = (await unlessAborted(jobs.list(readQuery(flags, since, jobs), app.interrupt), app.interrupt)).filter(
      isMeant,
    );
    const items: JobItem[] = [];
    for (const one of frames) {
      const item = await unlessAborted(describe(one, jobs, app.interrupt), app.interrupt);
      if (hasState(item, flags.state)) items.push(item);
    }
    await output.onEnd(reportOf(items));
    if (items.length === 0) output.notice(`No such job since ${momentText(new Date(since).toISOString())} UTC.`);
    app.setExit(EXIT.ok);
  } finally {
    output.stop();
    await fleet.close();
  }
}

/** @throws UsageError `not-your-job` */
function readQuery(
  { caller }: JobListFlags,
  since: number,
  { reader }: JobSource,
): { since: number; caller?: string } & { caller: string | undefined } {
  const others = (caller ?? []).filter((name) => name !== reader.caller);
  if (others.length > 0 && !reader.isAdmin)
    throw new UsageError(`jobs of ${others.join(', ')} are for them and for admins`, {
      code: 'not-your-job',
      hint: 'Ask them, or somebody with the role admin.',
    });
  const only = caller?.length === 1 ? caller[0] : undefined;
  return { since, caller: reader.isAdmin ? only : reader.caller };
}

/** What the frames alone can answer. @throws UsageError `bad-value` */
function compileFilter(
  { action, caller, node, state }: JobListFlags,
  until: number | undefined,
): (job: JobFrames) => boolean {
  for (const one of state ?? [])
    if (!LIST_STATES.includes(one)) throw badValue('--state', one, `one of ${LIST_STATES.join(', ')}`);
  const selectors = (node ?? []).map(parseNameSelector);
  return ({ begun }) =>
    (caller === undefined || caller.includes(begun.caller)) &&
    (until === undefined || begun.issued <= until) &&
    (action === undefined || [begun.action, begun.command, taskOf(begun.args)].some((name) => name !== null && action.includes(name))) &&
    (selectors.length === 0 || begun.expected.some((name) => selectors.some((selector) => matchesName(selector, name)))); // prettier-ignore
}

interface JobItem extends Record<string, unknown> {
  readonly job: string;
  readonly state: 'running' | 'ended';
  readonly states: StateCounts;
}

/** One that its caller waited for says itself how it ended; of the others, the answers are read. */
async function describe(frames: JobFrames, jobs: JobSource, signal: AbortSignal): Promise<JobItem> {
  const { begun, ended } = frames;
  const view = ended === undefined || frames.queued.length > 0 ? await jobs.view(frames, signal) : undefined;
  const planned = view?.planned.length ?? 0;
  return {
    job: begun.job,
    caller: begun.caller,
    action: begun.action,
    task: taskOf(begun.args),
    args: begun.args,
    what: whatText(begun),
    state: view === undefined || view.isOver ? 'ended' : 'running',
    expected: begun.expected.length,
    states: view === undefined ? (ended?.states ?? {}) : countStates(view.nodes.map(({ state }) => state)),
    running: view?.running.length ?? 0,
    waiting: view?.waiting.length ?? 0,
    planned,
    isLed: planned === 0 ? null : await jobs.isLed(frames),
    exit: view === undefined ? (ended?.exit ?? null) : view.isOver ? view.exit : null,
    issued: new Date(begun.issued).toISOString(),
    ended: ended === undefined ? null : new Date(ended.at).toISOString(),
    retryOf: begun.retryOf ?? null,
  };
}

const countsText = (states: StateCounts): string =>
  Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');

const taskOf = (args: Readonly<Record<string, unknown>>): string | null =>
  typeof args['task'] === 'string' ? args['task'] : null;

function hasState({ state, states }: JobItem, wanted: readonly string[] | undefined): boolean {
  if (wanted === undefined) return true;
  return wanted.some((one) => one === state || (states[one as keyof StateCounts] ?? 0) > 0);
}

function reportOf(items: readonly JobItem[]): ListReport {
  const text = (field: string) => (item: Readonly<Record<string, unknown>>) =>
    canonicalText(item[field] ?? '').replaceAll('"', '');
  return {
    version: 1,
    command: 'job list',
    exit: EXIT.ok,
    list: 'jobs',
    one: 'job',
    items,
    fields: ['job', 'issued', 'caller', 'action', 'task', 'state', 'expected', 'states', 'running', 'waiting', 'planned', 'isLed', 'exit', 'ended', 'retryOf'],
    table: [
      { title: 'JOB', text: text('job') },
      { title: 'ASKED', text: ({ issued }) => momentText(String(issued)) },
      { title: 'BY', text: text('caller') },
      { title: 'WHAT', text: ({ what }) => String(what) },
      { title: 'NODES', text: text('expected') },
      {
        title: 'STATE',
        text: ({ isLed, planned, running, states, waiting }) =>
          [...(running === 0 ? [] : [`running on ${nodeCount(Number(running))}`]), ...(waiting === 0 ? [] : [`waiting for ${nodeCount(Number(waiting))}`]), ...(planned === 0 ? [] : [plannedText(Number(planned), isLed === true)]), countsText(states as StateCounts)]
            .filter((part) => part !== '')
            .join(', '),
        tone: ({ exit, state }) => (state === 'running' ? 'warn' : exit === 0 ? 'good' : 'bad'),
      },
    ],
  }; // prettier-ignore
}
