/**
 * What an emulated node has in place of a machine and of a network: facts that were drawn, and the ways in which real
 * nodes are slow, silent or failing. All else of it is the agent that real servers run.
 */
import type { RunnableAction } from '../actions/action.ts';
import type { Collector } from '../facts/collector.ts';
import type { FactDocument } from '../facts/fact-value.ts';
import { between, shareOf } from './share.ts';

export interface Emulation {
  readonly collectors: readonly Collector[];
  /** What comes from the bus goes through it; what isn't handed on was never heard. */
  deliver(hand: () => void): void;
  actions(offered: ReadonlyMap<string, RunnableAction>): ReadonlyMap<string, RunnableAction>;
}

/** Shares are from 0 to 1. */
export interface Misbehavior {
  /** Each node takes its own time to hear a message, in milliseconds, between these. */
  readonly latencyMs: readonly [number, number];
  /** Of what is asked of a node, how much fails. */
  readonly failure: number;
  /** Of the nodes, how many never answer. */
  readonly silence: number;
  /** Of the nodes, how many go away and come back, again and again. */
  readonly flapping: number;
}

export interface EmulationOptions {
  readonly node: string;
  readonly seed: string;
  readonly facts: FactDocument;
  readonly misbehavior: Misbehavior;
  /** From 0 to 1: whether one action fails. @default Math.random */
  readonly random?: () => number;
}

/** Drawn facts don't change; the store still looks at them now and then, as at any. */
const REFRESH_MS = 24 * 60 * 60_000;

export function createEmulation({ node, seed, facts, misbehavior, random = Math.random }: EmulationOptions): Emulation {
  const { failure, latencyMs, silence } = misbehavior;
  const delayMs = between(...latencyMs, shareOf(seed, node, 'latency'));
  const isSilent = shareOf(seed, node, 'silence') < silence;
  return {
    collectors: [
      {
        name: 'emulated',
        owns: Object.keys(facts),
        volatile: [],
        refreshMs: REFRESH_MS,
        timeoutMs: 1_000,
        spawns: false,
        collect: () => Promise.resolve(facts),
      },
    ],
    deliver(hand) {
      if (isSilent) return;
      if (delayMs === 0) hand();
      else setTimeout(hand, delayMs);
    },
    actions(offered) {
      if (failure === 0) return offered;
      return new Map([...offered].map(([name, action]) => [name, failing(action, () => random() < failure)]));
    },
  };
}

export const isFlapping = ({ node, seed, misbehavior }: EmulationOptions): boolean =>
  shareOf(seed, node, 'flapping') < misbehavior.flapping;

/** What fails didn't run. */
function failing(action: RunnableAction, fails: () => boolean): RunnableAction {
  return {
    ...action,
    run: (input, context) =>
      fails()
        ? Promise.resolve({ state: 'failed', code: 'emulated', reason: 'failed because it was told to (fleet emulate --failure)' }) // prettier-ignore
        : action.run(input, context),
  };
}
