/** `fleet audit show`: the whole story of a job: asked by whom, decided on each node by which rule, and how it ended. */
import { EXIT, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { App } from '../app.ts';
import type { AuditSource } from '../audit/audit-source.ts';
import { JobStoryBuilder, type JobStory, type NodeStory } from '../audit/job-story.ts';
import { timeOfJob } from '../audit/job-time.ts';
import type { PlainRecord } from '../audit/plain-record.ts';
import { readRecords } from '../audit/read-records.ts';
import { unlessAborted } from '../interrupt.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { statesText } from '../render/audit-words.ts';
import { momentText } from '../render/durations.ts';
import { jsonText } from '../render/json.ts';
import { visibleLine } from '../render/visible.ts';
import type { ListReport } from '../report.ts';
import { tellDoubts } from './audit-search.ts';

export type ShowFlags = GlobalFlags & OutputFlags;

const MESSAGE_ID = /^[0-9a-f]{32}$/;

/** @param what the id of a job, or of one message: what a record has as `id` */
export async function showAudit(what: string, flags: ShowFlags, app: App): Promise<void> {
  if (timeOfJob(what) === undefined && !MESSAGE_ID.test(what))
    throw new UsageError(`"${what}" is not the id of a job`, {
      code: 'bad-job',
      hint: 'It has 26 letters and digits; `fleet audit search` shows those of the last day.',
    });
  const context = await openContext(app, flags);
  const output = await openOutput('audit show', flags, app);
  const fleet = await openFleet(app, context, output);
  try {
    const source = await unlessAborted(fleet.audit(), app.interrupt);
    const { leftOut, story } = await unlessAborted(readStory(what, source, app.interrupt), app.interrupt);
    if (story === undefined)
      throw new UsageError(`nothing is written about ${what}`, {
        code: 'no-such-job',
        hint: 'Nodes store what they write within seconds, and keep it while the bus is away; the bus keeps it for 400 days.',
      });
    const report = reportOf(story);
    for (const line of flags.output === undefined || flags.output === 'table' ? linesOf(story) : [])
      app.stdout.write(`${line}\n`);
    await output.onEnd(report);
    tellDoubts({ leftOut, unverified: story.nodes.filter(({ verified }) => !verified).length }, (text) =>
      output.warning(text),
    );
    app.setExit(report.exit);
  } finally {
    await fleet.close();
  }
}

async function readStory(
  what: string,
  source: AuditSource,
  signal: AbortSignal,
): Promise<{ story: JobStory | undefined; leftOut: number }> {
  const job = MESSAGE_ID.test(what) ? await jobOfMessage(what, source, signal) : what;
  const asked = job === undefined ? undefined : timeOfJob(job);
  const builder = new JobStoryBuilder();
  if (job === undefined) return { story: undefined, leftOut: 0 };
  const window =
    asked === undefined ? {} : { since: asked - LIMITS.clockSkewMs, storedUntil: asked + LIMITS.auditStoryMs };
  const { leftOut } = await readRecords(
    source,
    { filters: [source.subjects.audits()], ...window, signal },
    (record) => {
      if (record.job === job) builder.add(record);
    },
  );
  return { story: builder.finish(), leftOut };
}

async function jobOfMessage(id: string, source: AuditSource, signal: AbortSignal): Promise<string | undefined> {
  let job: string | undefined;
  const found = new AbortController();
  const options = { filters: [source.subjects.audits()], signal: AbortSignal.any([signal, found.signal]) };
  await readRecords(source, options, (record) => {
    if (record.id !== id || record.job === null) return;
    ({ job } = record);
    found.abort(FOUND);
  }).catch((error: unknown) => {
    if (error !== FOUND) throw error;
  });
  return job;
}

const FOUND = new Error('found');

function reportOf({ approved, asked, ended, job, nodes }: JobStory): ListReport {
  const items = nodes.toSorted((a, b) => compareNatural(a.node, b.node)).map((node) => ({ ...node }));
  return {
    version: 1,
    command: 'audit show',
    exit: EXIT.ok,
    list: 'nodes',
    one: 'node',
    items,
    fields: [
      'node',
      'caller',
      'action',
      'task',
      'decision',
      'rule',
      'approvers',
      'decided',
      'ended',
      'state',
      'code',
      'exit',
      'ms',
      'id',
      'verified',
    ],
    table: [
      { title: 'NODE', text: (item) => nodeOf(item).node },
      {
        title: 'DECIDED',
        text: (item) => nodeOf(item).decision ?? '',
        tone: (item) => (nodeOf(item).decision === 'refused' ? 'bad' : undefined),
      },
      { title: 'BY RULE', text: (item) => nodeOf(item).rule ?? '' },
      { title: 'AT', text: (item) => momentText(nodeOf(item).decided ?? '') },
      { title: 'ENDED', text: (item) => endText(nodeOf(item)), tone: (item) => toneOf(nodeOf(item)) },
      { title: 'WITH', text: (item) => approversText(nodeOf(item)) },
    ],
    more: { job, asked, approved, ended },
  };
}

const nodeOf = (item: Readonly<Record<string, unknown>>): NodeStory => item as unknown as NodeStory;

function endText({ code, decision, ended, exit, ms, state }: NodeStory): string {
  if (ended === null) return 'nothing is written about its end';
  const words = [state ?? '', ...(code === null ? [] : [code]), ...(exit === null ? [] : [`exit ${exit}`])];
  return decision === 'refused' || ms === null ? words.join(' · ') : [...words, `${ms} ms`].join(' · ');
}

function toneOf({ ended, state }: NodeStory): 'good' | 'bad' | 'warn' {
  if (ended === null) return 'warn';
  return state === 'ok' ? 'good' : 'bad';
}

const approversText = ({ approvers }: NodeStory): string =>
  approvers === null ? '' : `approved by ${approvers.join(', ')}`;

/** What the caller wrote, above the table. */
function linesOf({ approved, asked, ended, job, nodes }: JobStory): string[] {
  const what = asked ?? nodes[0];
  const caller = asked?.writer ?? nodes[0]?.caller ?? 'somebody';
  const lines = [`Job ${job}: ${caller} asked for ${what?.task ?? what?.action ?? 'something'}`];
  if (asked !== null) {
    lines.push(`  at      ${momentText(asked.at)}${asked.dryRun ? ', as a dry run' : ''}`);
    lines.push(`  of      ${said(asked)}, ${asked.expected ?? 0} expected`);
    if (asked.args !== null) lines.push(`  with    ${jsonText(asked.args)}`);
    if (asked.sealed !== null) lines.push(`  sealed  ${asked.sealed.join(', ')}`);
  } else lines.push('  the caller has written nothing about it here');
  for (const { at, by } of approved) lines.push(`  signed  ${momentText(at)} by ${by}, too`);
  if (ended !== null) lines.push(`  ended   ${momentText(ended.at)}: ${endOf(ended)}`);
  return [...lines, ''].map(visibleLine);
}

function said({ target }: PlainRecord): string {
  const words = (target as { said?: unknown } | null)?.said;
  return typeof words === 'string' ? words : 'nodes';
}

function endOf({ code, exit, states }: PlainRecord): string {
  if (states === null) return [...(code === null ? [] : [code]), ...(exit === null ? [] : [`exit ${exit}`])].join(', ');
  return `${statesText(states, exit)}${code === null ? '' : ` (${code})`}`;
}
