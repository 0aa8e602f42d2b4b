/**
 * One round of a kill: signals processes after a last look at who they are, and for a signal that should end them waits
 * and follows up with KILL. Between the last look and the signal a pid could still change hands; Node has no pidfd.
 */
import type { SignalledProcess } from '../../shared/actions/process-signal.ts';
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { pollUntil } from './poll.ts';
import { isAlive } from './proc-stat.ts';
import type { ProcessRecord, ProcessTable } from './process-table.ts';

/** Signals that a process isn't expected to survive. */
export const ENDING_SIGNALS: ReadonlySet<string> = new Set(['TERM', 'INT', 'QUIT', 'ABRT', 'KILL']);

export interface SignalRound {
  /** Without `SIG`. */
  readonly signal: string;
  readonly graceMs: number;
  /** Whether a process that still has its pid and start is still meant: it may have become another program. */
  readonly matches: (record: ProcessRecord) => boolean;
  readonly abort: AbortSignal;
}

export interface RoundResult {
  readonly signalled: ProcessRecord[];
  readonly gone: ProcessRecord[];
  /** With the reason where there's more to say than that it's there. */
  readonly remaining: SignalledProcess[];
  readonly spared: SignalledProcess[];
}

export async function signalProcesses(
  targets: readonly ProcessRecord[],
  round: SignalRound,
  { table, clock }: { table: ProcessTable; clock: Clock },
): Promise<RoundResult> {
  const result: RoundResult = { signalled: [], gone: [], remaining: [], spared: [] };
  const waiting: ProcessRecord[] = [];
  for (const target of targets) {
    if (round.abort.aborted) {
      result.spared.push(entryOf(target, 'not signalled any more: the command was stopped'));
      continue;
    }
    const now = await table.find(target.pid);
    const same = now !== undefined && now.start === target.start;
    if (same && !round.matches(now)) {
      result.spared.push(entryOf(target, `is now ${now.name}, which was not asked for`));
      continue;
    }
    const sent = same ? send(target.pid, round.signal) : 'gone';
    if (sent === 'gone') result.gone.push(target);
    if (sent === 'not permitted') result.remaining.push(entryOf(target, 'not permitted'));
    if (sent === 'sent') {
      result.signalled.push(target);
      waiting.push(target);
    }
  }
  if (!ENDING_SIGNALS.has(round.signal)) return result;

  const left = await waitAndKill(waiting, round, clock);
  for (const target of waiting) {
    if (left.has(target)) result.remaining.push(entryOf(target));
    else result.gone.push(target);
  }
  return result;
}

/** Returns those that are still there in the end. */
async function waitAndKill(
  targets: readonly ProcessRecord[],
  { signal, graceMs, abort }: SignalRound,
  clock: Clock,
): Promise<Set<ProcessRecord>> {
  let left = [...targets];
  const allGone = (): boolean => {
    left = left.filter(isAlive);
    return left.length === 0;
  };
  if (signal !== 'KILL') {
    // A stopped process takes the signal only once it's continued.
    for (const target of left) send(target.pid, 'CONT');
    if (await pollUntil(allGone, { withinMs: graceMs, clock, signal: abort })) return new Set();
    if (abort.aborted) return new Set(left);
    for (const target of left) if (isAlive(target)) send(target.pid, 'KILL');
  }
  await pollUntil(allGone, { withinMs: LIMITS.killSettleMs, clock, signal: abort });
  return new Set(left);
}

export function entryOf(record: ProcessRecord, reason?: string): SignalledProcess {
  return { pid: record.pid, name: record.name, ...(reason !== undefined && { reason }) };
}

function send(pid: number, signal: string): 'sent' | 'gone' | 'not permitted' {
  try {
    process.kill(pid, `SIG${signal}` as NodeJS.Signals);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'not permitted' : 'gone';
  }
}
