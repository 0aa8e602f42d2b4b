/**
 * Final states of a target, and the one function that turns them into an exit code, for every command and every mode.
 * The table of what each state means is in docs/protocol.md.
 */
import { EXIT, type ExitCode } from './errors.ts';

export const FINAL_STATES = [
  'ok',
  'failed',
  'timeout',
  'cancelled',
  'refused',
  'unreachable',
  'lost',
  'expired',
  'skipped',
] as const;
export type FinalState = (typeof FINAL_STATES)[number];

/** How many targets ended in each state; a state nobody ended in may be left out. */
export type StateCounts = Partial<Record<FinalState, number>>;

export function countStates(states: Iterable<FinalState>): StateCounts {
  const counts: StateCounts = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/**
 * The exit code of a command whose targets all have a final state. Usage errors (2), an unreachable bus (5) and an
 * interrupt (130) end a command before this is asked.
 */
export function exitCodeOf(counts: StateCounts): ExitCode {
  const total = FINAL_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  if (total === 0) return EXIT.noMatch;
  if (counts.ok === total) return EXIT.ok;
  if (counts.refused === total) return EXIT.allRefused;
  if ((counts.ok ?? 0) === 0) return EXIT.none;
  return EXIT.some;
}
