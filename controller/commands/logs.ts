/** `fleet logs`: what the journal of the nodes, or a log file there, has; as it's written with --follow. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { compilePattern } from '../../shared/where/regex.ts';
import type { App } from '../app.ts';
import { addLiveOptions } from '../options/live-options.ts';
import { parseMoment } from '../options/parse-moment.ts';
import { badValue } from '../options/parse-values.ts';
import { fieldOf, recordOf, textOf } from '../aggregate/read-data.ts';
import { nodeNames } from '../render/node-names.ts';
import type { NodeResult } from '../report.ts';
import { addAddressing, runAddressed, type AddressedFlags } from './addressed.ts';

interface LogsFlags extends AddressedFlags {
  readonly follow?: boolean;
  readonly since?: string;
  readonly lines?: string;
  readonly grep?: string;
}

/** Names shown of many. */
const NAMES_CHARACTERS = 120;

/** Longer than anybody watches a log; who stops watching ends it at once. */
const FOLLOW_TIMEOUT = '12h';

export function registerLogs(program: Command, app: App): void {
  const command = program
    .command('logs')
    .description('Shows the journal of the nodes, that of a unit, or a log file; live, with the name of the node.')
    .argument('[UNIT|FILE]', 'a unit of systemd, or the absolute path of a file (default: the whole journal)');
  addLiveOptions(addAddressing(command, 'reads'), 'live, but for -o json, yaml, csv and names')
    .option('-f, --follow', 'go on with what is written, until Ctrl-C')
    .option('--since <TIME>', 'from then on: how long ago (2h, 7d) or a date in UTC; for the journal alone')
    .option('--lines <N>', `the last so many lines (default: ${LIMITS.logLinesDefault})`)
    .option('--grep <PATTERN>', 'of them, those that match: a regular expression in RE2 syntax')
    .addHelpText(
      'after',
      `
Examples:
  fleet logs nginx --where role=web --since 1h --grep ' 5\\d\\d '
  fleet logs /var/log/app/production.log --node 'app*' --follow`,
    )
    .action((what: string | undefined) => {
      const flags = command.optsWithGlobals<LogsFlags>();
      const args = describeQuery(what, flags, app.clock.now());
      const format = flags.output ?? 'table';
      const live = flags.live ?? (format === 'table' || format === 'ndjson');
      const timeout = flags.timeout ?? (flags.follow === true ? FOLLOW_TIMEOUT : undefined);
      return runAddressed(
        {
          command: 'logs',
          effect: 'reads',
          writes: true,
          remark: (nodes) => emptyWords(nodes, what),
          instruct: () => ({ action: 'logs.read', effect: 'reads', args }),
        },
        { ...flags, live, ...(timeout === undefined ? {} : { timeout }) },
        app,
      );
    });
}

/** Where nothing came, somebody may have named it wrong. */
export function emptyWords(nodes: readonly NodeResult[], what: string | undefined): string | undefined {
  const empty = nodes.filter(({ state, data }) => state === 'ok' && textOf(fieldOf(recordOf(data), 'stdout')) === '');
  if (empty.length === 0) return undefined;
  const names = nodeNames(empty.map(({ node }) => node), NAMES_CHARACTERS); // prettier-ignore
  const isUnit = what !== undefined && !what.startsWith('/');
  const hint = !isUnit
    ? ''
    : what.endsWith('.log')
      ? ` ${what} was taken for a unit: a file is named by its absolute path.`
      : ` Is there a unit ${what}? fleet exec -- systemctl status ${what}`;
  return `No line on ${names}.${hint}`;
}

/** @throws UsageError `bad-value` */
function describeQuery(
  what: string | undefined,
  { follow, grep, lines, since }: LogsFlags,
  now: number,
): Record<string, unknown> {
  const isFile = what?.startsWith('/') === true;
  if (isFile && since !== undefined)
    throw new UsageError('the lines of a file have no time that is known: --since is for the journal', {
      code: 'bad-value',
      hint: 'Use --lines, or --grep with the date as the file writes it.',
    });
  if (what !== undefined && !isFile && what.includes('/'))
    throw badValue('UNIT|FILE', what, 'the name of a unit, or a path that begins with /');
  const pattern = grep === undefined ? undefined : compilePattern(grep, false);
  if (pattern !== undefined && 'problem' in pattern) throw badValue('--grep', grep ?? '', pattern.problem);
  return {
    ...(what === undefined ? {} : isFile ? { file: what } : { unit: what }),
    ...(lines === undefined ? {} : { lines: readLines(lines) }),
    ...(since === undefined ? {} : { since: parseMoment(since, '--since', now), ...(lines === undefined ? { lines: LIMITS.logLines } : {}) }),
    ...(grep === undefined ? {} : { grep }),
    ...(follow === true ? { follow } : {}),
  }; // prettier-ignore
}

function readLines(text: string): number {
  const lines = Number(text);
  if (/^\d+$/.test(text) && lines <= LIMITS.logLines) return lines;
  throw badValue('--lines', text, `a number up to ${LIMITS.logLines}`);
}
