/** `fleet approve`: a second operator's yes. */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import type { App } from '../app.ts';
import { leftMs, type AskedJob } from '../approval/asked-job.ts';
import { describeJob, summarizeJob } from '../approval/describe-job.ts';
import { confirm } from '../confirm.ts';
import { unlessAborted } from '../interrupt.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import { countdownText } from '../render/durations.ts';
import type { ListReport } from '../report.ts';

interface ApproveFlags extends GlobalFlags, OutputFlags {
  readonly yes?: boolean;
}

export function registerApprove(program: Command, app: App): void {
  const command = program
    .command('approve')
    .description('Shows what waits for a second operator, and signs it.')
    .argument('[JOB]', 'which one; without it, all that wait are listed')
    .option('-y, --yes', 'no question');
  addOutputOptions(command)
    .addHelpText(
      'after',
      `
A policy may ask for it: who sends such a command says --with-approval, and it waits for you here.

Examples:
  fleet approve
  fleet approve 01kahc2v5n9q8w3x7y6z4r1t0e`,
    )
    .action((job: string | undefined) => runApprove(job, command.optsWithGlobals<ApproveFlags>(), app));
}

async function runApprove(job: string | undefined, flags: ApproveFlags, app: App): Promise<void> {
  const output = await openOutput('approve', flags, app);
  const fleet = await openFleet(app, await openContext(app, flags), output);
  try {
    const waiting = await unlessAborted(fleet.waitingJobs(), app.interrupt);
    const now = app.clock.now();
    if (job === undefined) {
      await output.onEnd(listOf(waiting, now));
      if (waiting.length === 0) output.notice('Nothing waits for a second operator.');
      return app.setExit(EXIT.ok);
    }
    const asked = find(job, waiting);
    for (const line of describeJob(asked, now)) app.stderr.write(`${line}\n`);
    if (flags.yes !== true && app.stdin.isTTY !== true)
      throw new UsageError('nobody can be asked, so nothing was signed', { code: 'needs-yes', hint: 'Say --yes.' });
    if (flags.yes !== true && !(await confirm('Sign it?', app)))
      throw new UsageError('nothing was signed', { code: 'not-confirmed' });
    await fleet.approve(asked);
    output.notice(`Signed. ${asked.caller.name} hears of it, and sends it when enough have signed.`);
    app.setExit(EXIT.ok);
  } finally {
    await fleet.close();
  }
}

/** @throws UsageError `no-such-job` */
function find(job: string, waiting: readonly AskedJob[]): AskedJob {
  const found = waiting.find((one) => one.job === job);
  if (found !== undefined) return found;
  const [nearest] = nearestNames(
    job,
    waiting.map((one) => one.job),
    1,
  );
  throw new UsageError(`no job ${job} waits for a second operator; its time may be over`, {
    code: 'no-such-job',
    hint: nearest === undefined ? '`fleet approve` lists those that wait.' : `Did you mean ${nearest}?`,
  });
}

function listOf(waiting: readonly AskedJob[], now: number): ListReport {
  return {
    version: 1,
    command: 'approve',
    exit: EXIT.ok,
    list: 'waiting',
    one: 'job',
    items: waiting.map((asked) => ({
      job: asked.job,
      caller: asked.caller.name,
      roles: asked.caller.roles,
      issued: asked.issued,
      expires: asked.expires,
      leftMs: leftMs(asked, now),
      what: summarizeJob(asked),
      commands: asked.commands.map(({ command: { action, args, options, sealed, target } }) => ({
        action,
        args,
        options,
        target,
        sealed: sealed?.names ?? [],
      })),
    })),
    fields: ['job', 'caller', 'expires', 'what'],
    table: [
      { title: 'JOB', text: ({ job }) => String(job) },
      { title: 'CALLER', text: ({ caller }) => String(caller) },
      { title: 'LEFT', text: (item) => countdownText(Number(item['leftMs'])) },
      { title: 'WHAT', text: ({ what }) => String(what) },
    ],
  };
}
