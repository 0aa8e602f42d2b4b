/** The options about time and about output that every addressing command has. */
import { Option, type Command } from 'commander';
import { LIMITS } from '../../shared/limits.ts';
import type { App } from '../app.ts';
import type { Context } from '../context.ts';
import { FORMATS, type Format } from '../render/formats.ts';
import type { Output } from '../render/output.ts';
import { parseDuration, type LongestDuration } from './parse-values.ts';

export interface RunFlags {
  readonly timeout?: string;
  readonly ackTimeout?: string;
  readonly deadline?: string;
  readonly explain?: boolean;
}

export interface OutputFlags {
  readonly output?: Format;
  readonly json?: boolean;
  readonly groupByOutput?: boolean;
  readonly byNode?: boolean;
  readonly color?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

export function addRunOptions(command: Command): Command {
  return command
    .option('-t, --timeout <DURATION>', 'how long it may run on a node (each action has its own default)')
    .option('--ack-timeout <DURATION>', 'how long a node has to say that it heard (default: 2s)')
    .option('--deadline <DURATION>', 'how long the whole command may take')
    .option('--explain', 'say how it travels, and how many nodes it wakes');
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <FORMAT>', 'how results are written').choices(FORMATS).default('table'))
    .option('--no-color', 'no colours (NO_COLOR)')
    .option('-v, --verbose', 'nothing left out or shortened')
    .option('-q, --quiet', 'data and errors only');
}

export interface Timing {
  readonly timeoutMs: number | undefined;
  readonly ackTimeoutMs: number | undefined;
  readonly deadlineMs: number | undefined;
}

/** @throws UsageError `bad-value` */
export function readTiming(flags: RunFlags, context: Context): Timing {
  const duration = (text: string | undefined, option: string, longest: LongestDuration): number | undefined =>
    text === undefined ? undefined : parseDuration(text, option, longest);
  return {
    timeoutMs: duration(flags.timeout ?? context.defaults.timeout, '--timeout', LONGEST_RUN),
    ackTimeoutMs: duration(flags.ackTimeout ?? context.defaults.ackTimeout, '--ack-timeout', LONGEST_SILENCE),
    deadlineMs: duration(flags.deadline, '--deadline', LONGEST_RUN),
  };
}

/** Nodes refuse more. */
const LONGEST_RUN: LongestDuration = { ms: LIMITS.runTimeoutMaxMs, text: '7d' };
/** A node that has not answered by then refuses the command: it has expired. */
const LONGEST_SILENCE: LongestDuration = { ms: LIMITS.commandLifeMs, text: '5m' };

/** Where a command's results and words go. */
export async function openOutput(command: string, flags: OutputFlags, app: App): Promise<Output> {
  const { createOutput } = await import('../render/output.ts');
  const isTerminal = app.stdout.isTTY === true;
  return createOutput({
    format: flags.output ?? 'table',
    command,
    stdout: app.stdout,
    stderr: app.stderr,
    isTerminal,
    isErrorTerminal: app.stderr.isTTY === true,
    columns: app.stdout.columns ?? 80,
    color: flags.color !== false && !app.noColor,
    groupByOutput: flags.groupByOutput ?? true,
    byNode: flags.byNode ?? false,
    quiet: flags.quiet === true,
    verbose: flags.verbose === true,
    clock: app.clock,
  });
}
