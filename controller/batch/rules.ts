/**
 * How a command goes through its nodes in batches: what the caller asked for, and what it comes to for so many nodes.
 * Shares round toward safety: a smaller window, a smaller tolerance.
 */
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Limit } from '../resolve.ts';

export interface BatchOptions {
  /** How many nodes are under way at once. @default all of them */
  readonly window?: Limit | undefined;
  /** Between the end of a node and the start of the one that takes its place, in milliseconds. @default none */
  readonly pauseMs?: number | undefined;
  /** So many nodes go first and alone; all of them have to end ok. @default none */
  readonly canaries?: number | undefined;
  /** So many failures are tolerated over the whole job; with one more nothing new starts. @default any number */
  readonly maxFailures?: Limit | undefined;
}

export interface BatchRules {
  /** At least 1. */
  readonly window: number;
  readonly canaries: number;
  /** Undefined where failures stop nothing. */
  readonly tolerated: number | undefined;
  readonly pauseMs: number;
}

/**
 * @param nodes how many are expected: a share is one of them
 * @throws UsageError `bad-batch` for numbers that a program got wrong: compared with one of them, nothing would ever stop it
 */
export function compileBatch(
  { window, pauseMs = 0, canaries = 0, maxFailures }: BatchOptions,
  nodes: number,
): BatchRules {
  assertWhole(canaries, Number.MAX_SAFE_INTEGER, 'canaries');
  // A timer holds no more than 24 days, and fires at once beyond.
  assertWhole(pauseMs, LIMITS.runTimeoutMaxMs, 'pauseMs');
  return {
    window: window === undefined ? Math.max(1, nodes) : Math.max(1, countOf(window, nodes, 'window')),
    canaries,
    tolerated: maxFailures === undefined ? undefined : countOf(maxFailures, nodes, 'maxFailures'),
    pauseMs,
  };
}

/**
 * How many nodes can be hurt before it stops, whatever the timing. The one that breaks the limit comes after all that
 * are tolerated, and has a window around it whose nodes are under way by then. Canaries count for nothing afterwards:
 * there is an afterwards only if all of them ended ok.
 */
export function worstCase({ window, canaries, tolerated }: BatchRules, nodes: number): number {
  const first = Math.min(canaries, nodes);
  const rest = nodes - first;
  return Math.max(Math.min(first, window), tolerated === undefined ? rest : Math.min(rest, tolerated + window));
}

/**
 * How long a batch may be led, where nobody said: as long as it takes if every node takes all of its time, in milliseconds.
 * @param timeoutMs how long it may run on a node; undefined where only nodes know
 */
export function longestCourseMs(
  { canaries, pauseMs, window }: BatchRules,
  nodes: number,
  { ackTimeoutMs, timeoutMs }: { readonly ackTimeoutMs: number; readonly timeoutMs: number | undefined },
): number {
  const rounds = Math.ceil(Math.min(canaries, nodes) / window) + Math.ceil(nodes / window);
  const roundMs = (timeoutMs ?? Infinity) + ackTimeoutMs + pauseMs + LIMITS.stopGraceMs + LIMITS.heartbeatLossMs;
  return Math.min(rounds * roundMs + LIMITS.commandLifeMs, LIMITS.waitingCommandLifeMs);
}

/** Rounded down; more than there are stays as it is. */
function countOf(limit: Limit, nodes: number, name: string): number {
  const count = 'count' in limit ? limit.count : Math.floor((nodes * limit.percent) / 100);
  assertWhole(count, Number.MAX_SAFE_INTEGER, name);
  return count;
}

function assertWhole(value: number, most: number, name: string): void {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new UsageError(`${name} of a batch can't be ${value}`, {
      code: 'bad-batch',
      hint: 'Give whole numbers that are not negative, and shares in percent.',
    });
}
