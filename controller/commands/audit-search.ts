/** `fleet audit search`: what was asked, decided and done, by whom, newest last, as the bus has it. */
import type { App } from '../app.ts';
import { compileFilter } from '../audit/record-filter.ts';
import { NewestLast } from '../audit/newest-last.ts';
import type { PlainRecord } from '../audit/plain-record.ts';
import { readRecords } from '../audit/read-records.ts';
import { whichWriters } from '../audit/which-writers.ts';
import { EXIT, InterruptedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Fleet } from '../fleet.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { timeOfJob } from '../audit/job-time.ts';
import { parseMoment } from '../options/parse-moment.ts';
import { createPaint } from '../render/paint.ts';
import { createRecordStream, type RecordFormat } from '../render/record-stream.ts';
import { createTarget } from '../target.ts';

export interface SearchFlags extends GlobalFlags, Omit<OutputFlags, 'output'> {
  readonly output?: RecordFormat;
  readonly node?: string[];
  readonly where?: string[];
  readonly caller?: string[];
  readonly action?: string[];
  readonly event?: string[];
  readonly job?: string;
  readonly decision?: 'allowed' | 'refused';
  readonly since?: string;
  readonly until?: string;
}

/** Without anything that says how far back: today's, and what a night shift did. */
const DEFAULT_SINCE_MS = 24 * 60 * 60_000;

export async function searchAudit(flags: SearchFlags, app: App): Promise<void> {
  const now = app.clock.now();
  const to = flags.until === undefined ? undefined : parseMoment(flags.until, '--until', now);
  const from = sinceOf(flags, now, to);
  const { job, decision, caller, action, event } = flags;
  const context = await openContext(app, flags);
  const output = await openOutput('audit search', { ...flags, output: 'table' }, app);
  const fleet = await openFleet(app, context, output);
  try {
    const source = await fleet.audit();
    const nodes = flags.where === undefined ? undefined : await namesOf(fleet, flags.where);
    const { filters, isWanted } = whichWriters({ node: flags.node, nodes }, source);
    const isMeant = compileFilter({ caller, action, event, job, decision, from, to });
    const isTerminal = app.stdout.isTTY === true;
    const stream = createRecordStream({
      format: flags.output ?? 'table',
      stdout: app.stdout,
      isTerminal,
      look: {
        paint: createPaint(flags.color !== false && !app.noColor && isTerminal),
        fit: isTerminal && flags.verbose !== true ? (app.stdout.columns ?? 80) : null,
        verbose: flags.verbose === true,
        groupByOutput: false,
        byNode: false,
      },
      head: { command: 'audit search', fleet: fleet.name, since: new Date(from).toISOString() },
    });
    const ordered = new NewestLast<PlainRecord>(LIMITS.auditSearchHeld, ({ at }) => Date.parse(at));
    let found = 0;
    let unverified = 0;
    const give = async (record: PlainRecord | undefined): Promise<void> => {
      if (record === undefined) return;
      found++;
      if (!record.verified) unverified++;
      await stream.write(record);
    };
    // Stored later than written, and clocks are apart.
    const since = from - LIMITS.clockSkewMs;
    const signal = AbortSignal.any([app.interrupt, stream.closed]);
    const { leftOut } = await readRecords(source, { filters, isWanted, since, signal }, (record) =>
      isMeant(record) ? give(ordered.add(record)) : undefined,
    ).catch((error: unknown) => {
      if (stream.closed.aborted && !app.interrupt.aborted) return { leftOut: 0 };
      throw app.interrupt.aborted ? new InterruptedError('interrupted', { code: 'interrupted' }) : error;
    });
    for (const record of ordered.rest()) await give(record);
    await stream.end({ leftOut, exit: EXIT.ok });
    if (found === 0) output.notice(`Nothing is written about that since ${new Date(from).toISOString()}.`);
    tellDoubts({ leftOut, unverified }, (text) => output.warning(text));
  } finally {
    await fleet.close();
  }
}

/** A job's id says when it was asked for. @throws UsageError `bad-value` */
function sinceOf({ job, since }: SearchFlags, now: number, to: number | undefined): number {
  if (since !== undefined) return parseMoment(since, '--since', now);
  const asked = job === undefined ? undefined : timeOfJob(job);
  return asked === undefined ? (to ?? now) - DEFAULT_SINCE_MS : asked - LIMITS.clockSkewMs;
}

async function namesOf(fleet: Fleet, where: readonly string[]): Promise<string[]> {
  const { expected } = await fleet.resolve(createTarget({ where }));
  return expected.map(({ name }) => name);
}

export function tellDoubts(
  { leftOut, unverified }: { leftOut: number; unverified: number },
  warn: (text: string) => void,
): void {
  if (leftOut > 0)
    warn(
      `${leftOut === 1 ? '1 batch was' : `${leftOut} batches were`} left out: not what they say. \`fleet audit verify\` names the first bad record.`,
    );
  if (unverified > 0)
    warn(
      `${unverified === 1 ? '1 record is' : `${unverified} records are`} not verified: the signer is not known here. \`fleet audit verify\` looks at what goes on from there.`,
    );
}
