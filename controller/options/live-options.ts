/** Seeing what programs write while they do: as lines, as objects, or in files. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { OutputRequest } from '../output/live-output.ts';
import type { OutputSink } from '../output/output-sink.ts';
import { lossLines } from '../render/loss-words.ts';
import type { Output } from '../render/output.ts';
import type { OutputFlags } from './run-options.ts';

export interface LiveFlags extends OutputFlags {
  readonly live?: boolean;
  readonly outputDir?: string;
  readonly detach?: boolean;
}

/** For more, grouped results say more than interleaved lines. */
const LIVE_NODES = 8;
/** What is quicker than this is shown as a whole. */
const LIVE_AFTER_MS = 1_000;

/** @param byDefault when it is live without being asked to */
export function addLiveOptions(
  command: Command,
  byDefault = `live on a terminal, for up to ${LIVE_NODES} nodes, when it takes over a second`,
): Command {
  return command
    .option('--live', 'show what programs write as it comes, line by line, with the name of the node')
    .option('--no-live', `show it when they have ended (default: ${byDefault})`)
    .option('--output-dir <DIR>', 'write it to DIR/<node>/stdout and DIR/<node>/stderr, to the byte');
}

/** What is wrong with the command line alone. @throws UsageError `bad-value` */
export function assertLive({ live, detach, output = 'table', outputDir }: LiveFlags): void {
  if (live === true && output !== 'table' && output !== 'ndjson')
    throw new UsageError(`--live can't go with -o ${output}: that is written at the end`, {
      code: 'bad-value',
      hint: 'Use -o ndjson for objects as they come, or --output-dir DIR for the whole output in files.',
    });
  if (detach === true && (live === true || outputDir !== undefined))
    throw new UsageError('nobody waits for the output of what is detached', {
      code: 'bad-value',
      hint: 'Leave out --detach; or follow the job later: fleet job follow JOB --live.',
    });
}

export interface LiveSurroundings {
  readonly output: Output;
  readonly isTerminal: boolean;
  readonly expected: readonly string[];
  /** Whether it may be shown live without being asked for. */
  readonly isDefault: boolean;
}

/** Undefined where nobody wants it before the end. @throws UsageError for a folder that can't be used */
export async function openLive(
  { live, output: format = 'table', outputDir }: LiveFlags,
  { expected, isDefault, isTerminal, output }: LiveSurroundings,
): Promise<OutputRequest | undefined> {
  const isByDefault = isDefault && isTerminal && format === 'table' && expected.length <= LIVE_NODES;
  const isShown = live ?? (isByDefault && outputDir === undefined);
  const sinks: OutputSink[] = [];
  if (outputDir !== undefined) {
    sinks.push(output.beside(await (await import('../output/output-folder.ts')).OutputFolder.open(outputDir)));
    output.notice(`Output: ${join(outputDir, '<node>', 'stdout')}, and stderr beside it`);
  }
  if (isShown) sinks.push(await output.live(expected));
  if (sinks.length === 0) return undefined;
  return {
    sinks,
    afterMs: live === true || outputDir !== undefined ? 0 : LIVE_AFTER_MS,
    onUnreadable: (reason) => output.warning(`what programs write can't be shown before they end: ${reason}`),
    onLosses: (losses, job) => {
      for (const line of lossLines(losses, job)) output.warning(line);
    },
  };
}
