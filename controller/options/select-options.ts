/** The options that say which processes are meant. */
import type { Command } from 'commander';
import type { ProcessSelector } from '../../shared/actions/process-list.ts';
import { parseDuration } from './parse-values.ts';

export interface SelectFlags {
  readonly full?: boolean;
  readonly user?: string;
  readonly older?: string;
}

export function addSelectOptions(command: Command): Command {
  return command
    .option('-f, --full', 'PATTERN is about the whole command line, not the name')
    .option('-u, --user <NAME>', 'processes of this user')
    .option('--older <DURATION>', 'processes that have run at least so long');
}

/** @throws UsageError `bad-value` */
export function readSelector(pattern: string | undefined, flags: SelectFlags): ProcessSelector {
  return {
    ...(pattern === undefined ? {} : { pattern }),
    ...(flags.full === true ? { full: true } : {}),
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(flags.older === undefined ? {} : { olderMs: parseDuration(flags.older, '--older') }),
  };
}
