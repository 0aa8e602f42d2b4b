/** The options by which a command goes through its nodes in batches, and what they come to. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { BatchOptions } from '../batch/rules.ts';
import type { Limit } from '../resolve.ts';
import type { Context } from '../context.ts';
import { parseCount, parseDuration, parseLimit, parseTolerance } from './parse-values.ts';

export interface BatchFlags {
  readonly batch?: string;
  readonly batchPause?: string;
  readonly canary?: string;
  readonly maxFailures?: string;
}

export function addBatchOptions(command: Command): Command {
  return command
    .option('--batch <N|N%>', 'so many nodes at once; as soon as one ends, the next starts')
    .option('--batch-pause <DURATION>', 'between the end of a node and the start of the next in its place')
    .option('--canary <N>', 'so many nodes first and alone; the rest starts if all of them end ok')
    .option('--max-failures <N|N%>', 'how many nodes may fail; with one more nothing new starts');
}

/**
 * Undefined where nothing of it was said, or all of it taken back: all nodes start at once, whatever fails.
 * @param effect defaults of the context are for what changes something: a question to all nodes hurts none
 * @throws UsageError `bad-value`, `bad-batch`
 */
export function readBatch(
  flags: BatchFlags,
  { defaults }: Pick<Context, 'defaults'>,
  effect: 'reads' | 'changes',
): BatchOptions | undefined {
  const otherwise: BatchFlags = effect === 'changes' ? defaults : {};
  const window = flags.batch ?? otherwise.batch;
  const canary = flags.canary ?? otherwise.canary;
  const failures = flags.maxFailures ?? otherwise.maxFailures;
  const pause = flags.batchPause ?? otherwise.batchPause;
  const canaries = canary === undefined ? undefined : parseCount(canary, '--canary');
  if (flags.batchPause !== undefined && window === undefined && (canaries ?? 0) === 0)
    throw new UsageError('--batch-pause is between nodes, and all of them start at once', {
      code: 'bad-batch',
      hint: 'Say how many at once (--batch), or how many first (--canary).',
    });
  const options: BatchOptions = {
    window: window === undefined ? undefined : parseLimit(window, '--batch'),
    pauseMs: pause === undefined ? undefined : parseDuration(pause, '--batch-pause', LONGEST_PAUSE),
    canaries,
    maxFailures: failures === undefined ? undefined : parseTolerance(failures, '--max-failures'),
  };
  // Whoever takes the defaults of a context back means no batch at all.
  const isNone = isAll(options.window) && isAll(options.maxFailures) && (canaries ?? 0) === 0;
  return isNone ? undefined : options;
}

const isAll = (limit: Limit | undefined): boolean =>
  limit === undefined || ('percent' in limit && limit.percent === 100);

/** As long as the longest run: a timer holds no more than 24 days. */
const LONGEST_PAUSE = { ms: LIMITS.runTimeoutMaxMs, text: '7d' };
