/** `fleet audit`: who asked for what, who decided how, and how it ended; and whether all of that is still as it was written. */
import { Option, type Command } from 'commander';
import type { App } from '../app.ts';
import { collect } from '../options/target-options.ts';
import { addOutputOptions } from '../options/run-options.ts';
import { RECORD_FORMATS } from '../render/record-stream.ts';
import type { SearchFlags } from './audit-search.ts';
import type { ShowFlags } from './audit-show.ts';
import type { VerifyFlags } from './audit-verify.ts';

export function registerAudit(program: Command, app: App): void {
  const audit = program
    .command('audit')
    .description('Who asked for what, what nodes decided by which rule, and how it ended.');
  registerSearch(audit, app);
  registerShow(audit, app);
  registerVerify(audit, app);
}

function registerSearch(audit: Command, app: App): void {
  const search = audit
    .command('search')
    .description('Finds records; the newest come last.')
    .option(
      '--node <NAME>',
      'written by these nodes: names, globs (web*), sets (web[01-20]), /regex/; repeatable',
      collect,
    )
    .option('--where <EXPR>', 'written by nodes whose facts match; repeatable', collect)
    .option('--caller <NAME>', 'asked for by these operators; repeatable', collect)
    .option('--action <NAME>', 'this action or task, or a glob; repeatable', collect)
    .option('--event <NAME>', 'of this kind: started, ended, command, refused, asked, …; repeatable', collect)
    .option('--job <ID>', 'of this job')
    .addOption(new Option('--decision <HOW>', 'decided so').choices(['allowed', 'refused']))
    .option('--since <TIME>', 'how long ago (2h, 7d) or a date in UTC (default: 24h, or since the job was asked for)')
    .option('--until <TIME>', 'the same, for the end')
    .addOption(new Option('-o, --output <FORMAT>', 'how records are written').choices(RECORD_FORMATS).default('table'))
    .option('--no-color', 'no colours (NO_COLOR)')
    .option('-v, --verbose', 'nothing shortened')
    .option('-q, --quiet', 'data and errors only')
    .addHelpText(
      'after',
      `
Examples:
  fleet audit search --decision refused --since 7d
  fleet audit search --caller alice --action exec --node 'db*' -o csv`,
    )
    .action(async () => (await import('./audit-search.ts')).searchAudit(search.optsWithGlobals<SearchFlags>(), app));
}

function registerShow(audit: Command, app: App): void {
  const show = audit
    .command('show')
    .description('Tells the whole story of a job: asked by whom, decided on each node by which rule, ended how.')
    .argument('<JOB>', 'id of the job, or of one of its messages');
  addOutputOptions(show)
    .addHelpText(
      'after',
      `
Examples:
  fleet audit show 01m7zgenjv0mvwq6dfxhvedj4c
  fleet audit show 01m7zgenjv0mvwq6dfxhvedj4c -o json`,
    )
    .action(async (job: string) =>
      (await import('./audit-show.ts')).showAudit(job, show.optsWithGlobals<ShowFlags>(), app),
    );
}

function registerVerify(audit: Command, app: App): void {
  const verify = audit
    .command('verify')
    .description('Finds the first record that was removed, changed, moved, doubled, or signed by somebody else.')
    .option(
      '--node <NAME>',
      'trails of these nodes: names, globs, sets, /regex/; repeatable (default: every trail)',
      collect,
    )
    .option('--caller <NAME>', 'trails of these operators; repeatable', collect)
    .addOption(
      new Option('--file <FOLDER>', "a writer's own files, without the bus: an agent's state/audit, for one").conflicts(
        ['node', 'caller'],
      ),
    );
  addOutputOptions(verify)
    .addHelpText(
      'after',
      `
Exits with 0 when every trail holds, 3 when some do, 4 when none does.

Examples:
  fleet audit verify
  fleet audit verify --node 'db[1-3]' -o json`,
    )
    .action(async () => (await import('./audit-verify.ts')).verifyAudit(verify.optsWithGlobals<VerifyFlags>(), app));
}
