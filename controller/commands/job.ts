/** `fleet job`: what was asked before, what came of it, and what still goes on. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { addLiveOptions } from '../options/live-options.ts';
import { addBatchOptions } from '../options/batch-options.ts';
import { addOutputOptions, addRunOptions } from '../options/run-options.ts';
import { collect } from '../options/target-options.ts';
import type { AddressedFlags } from './addressed.ts';
import type { JobCancelFlags } from './job-cancel.ts';
import type { JobListFlags } from './job-list.ts';
import type { JobShowFlags } from './job-show.ts';

export function registerJob(program: Command, app: App): void {
  const job = program.command('job').description('What was asked before, what came of it, and what still goes on.');
  registerList(job, app);
  registerShow(job, app);
  registerFollow(job, app);
  registerCancel(job, app);
  registerRetry(job, app);
}

function registerList(job: Command, app: App): void {
  const list = job
    .command('list')
    .description('Lists recorded jobs, the newest last: your own, and to admins those of everybody.')
    .option('--caller <NAME>', 'of this operator; repeatable', collect)
    .option('--state <STATE>', 'running, ended, or with nodes that ended so: failed, lost, …; repeatable', collect)
    .option('--action <NAME>', 'this action or task; repeatable', collect)
    .option('-n, --node <NAME>', 'for nodes of this name, glob, set web[01-20] or /regex/; repeatable', collect)
    .option('--since <TIME>', 'how long ago (2h, 7d) or a date in UTC (default: 24h)')
    .option('--until <TIME>', 'the same, for the end');
  addOutputOptions(list)
    .addHelpText(
      'after',
      `
Examples:
  fleet job list --state running
  fleet job list --state failed --state lost --since 7d -o json`,
    )
    .action(async () => (await import('./job-list.ts')).listJobs(list.optsWithGlobals<JobListFlags>(), app));
}

function registerShow(job: Command, app: App): void {
  const show = job
    .command('show')
    .description('Shows how a job ended on each node, as its record has it; exits as the job did, 0 while it runs.')
    .argument('<JOB>', 'id of the job')
    .argument('[NODE]', 'this node alone, with all that its program wrote')
    .option('--no-group-by-output', 'show every node by itself, also where the output is the same')
    .option('--output-dir <DIR>', 'write what programs wrote to DIR/<node>/stdout and DIR/<node>/stderr, to the byte');
  addOutputOptions(show)
    .addHelpText(
      'after',
      `
Examples:
  fleet job show 01m7zkmjz8mnz5h5gtjm5d5waz
  fleet job show 01m7zkmjz8mnz5h5gtjm5d5waz db1
  fleet job show 01m7zkmjz8mnz5h5gtjm5d5waz -o json | jq .record.running`,
    )
    .action(async (id: string, node: string | undefined) =>
      (await import('./job-show.ts')).showJob(id, node, show.optsWithGlobals<JobShowFlags>(), app),
    );
}

function registerFollow(job: Command, app: App): void {
  const follow = job
    .command('follow')
    .description('Follows a job from its beginning until every node has ended, and exits as the job did.')
    .argument('<JOB>', 'id of the job')
    .option('--no-group-by-output', 'show every node by itself, also where the output is the same');
  addLiveOptions(follow);
  addOutputOptions(follow)
    .addHelpText(
      'after',
      `
Examples:
  fleet job follow 01m7zkmjz8mnz5h5gtjm5d5waz
  fleet job follow "$(fleet run --where role=db migrate --detach)" -o ndjson`,
    )
    .action(async (id: string) =>
      (await import('./job-show.ts')).followJobTo(id, follow.optsWithGlobals<JobShowFlags>(), app),
    );
}

function registerCancel(job: Command, app: App): void {
  const cancel = job
    .command('cancel')
    .description('Ends a job on its nodes, with all that it started there; where it has not come, it never runs.')
    .argument('<JOB>', 'id of the job')
    .option('-n, --node <NAME>', 'there alone: name, glob, set web[01-20] or /regex/; repeatable', collect)
    .option('--ack-timeout <DURATION>', 'how long a node has to say that it heard (default: 2s)');
  addOutputOptions(cancel)
    .addHelpText(
      'after',
      `
Examples:
  fleet job cancel 01m7zkmjz8mnz5h5gtjm5d5waz
  fleet job cancel 01m7zkmjz8mnz5h5gtjm5d5waz --node 'web*'`,
    )
    .action(async (id: string) =>
      (await import('./job-cancel.ts')).cancelJobTo(id, cancel.optsWithGlobals<JobCancelFlags>(), app),
    );
}

function registerRetry(job: Command, app: App): void {
  const retry = job
    .command('retry')
    .description(
      'The same once more, as a new job, on nodes where it was not done. Nothing that has been done is repeated.',
    )
    .argument('<JOB>', 'id of the job')
    .argument('[SECRET...]', 'what went sealed, once more: KEY=@FILE, KEY=@- (standard input), or KEY to be asked for')
    .option(
      '-n, --node <NAME>',
      'of those nodes, these alone: name, glob, set web[01-20] or /regex/; repeatable',
      collect,
    )
    .option('--state <STATES>', 'where it ended so (default: failed,timeout,unreachable,lost,skipped,expired)')
    .option('--online', 'leave out nodes that do not answer now; each is asked first')
    .option('--detach', 'hand it over, print the id of the job, and do not wait: fleet job follow')
    .option('--until <DURATION>', 'nodes that are away get it when they come back within that time: 24h')
    .option('--with-approval', 'wait until another operator has signed it, too: fleet approve')
    .option('--approvals <COUNT>', 'how many others have to sign it (default: as many as the policy asks for)');
  addRunOptions(retry);
  addBatchOptions(retry);
  addOutputOptions(retry)
    .addHelpText(
      'after',
      `
Examples:
  fleet job retry 01m7zkmjz8mnz5h5gtjm5d5waz
  fleet job retry 01m7zkmjz8mnz5h5gtjm5d5waz --state failed --node 'web*' --batch 1`,
    )
    .action(async (id: string, secrets: string[]) =>
      (await import('./job-retry.ts')).retryJob(id, secrets, retry.optsWithGlobals<AddressedFlags>(), app),
    );
}
