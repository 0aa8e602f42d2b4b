/**
 * Who starts when: a sliding window over the nodes in their order, canaries first and alone, until too many have failed.
 * Events come in, what to do comes out; it knows no clock and no bus. States: canaries → the rest ⇥ stopped, which is for
 * good. Whoever leads a batch (lead.ts) carries out what it says, and tells it what became of that.
 */
import type { FinalState } from '../../shared/states.ts';
import type { BatchRules } from './rules.ts';

/** Why nothing new starts: the code and the reason of every node that is skipped. */
export interface StopCause {
  readonly code: string;
  readonly reason: string;
}

export interface Step {
  readonly start: readonly string[];
  /** Never to be started. */
  readonly skip: readonly string[];
  /** A pause begins: `rested` when it is over. */
  readonly rest: boolean;
}

export interface Outcome {
  readonly state: FinalState | 'unmatched';
  /** How long its place is still left alone, in milliseconds. */
  readonly restMs: number;
}

/** How far somebody else brought a batch. */
export interface BatchPast {
  /** Sent to, each once, in this order. */
  readonly released: readonly string[];
  /** Never to be sent to. */
  readonly skipped: ReadonlySet<string>;
  /** How those ended that did. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Why nothing new starts, whatever became of them; undefined while something may. */
  readonly stopped?: StopCause | undefined;
}

/** What a failure is, to the limit; the others are the caller's own doing. */
const FAILURES: ReadonlySet<FinalState> = new Set(['failed', 'timeout', 'refused', 'unreachable', 'lost']);
const NOTHING: Step = { start: [], skip: [], rest: false };

export class BatchSchedule {
  readonly #rules: BatchRules;
  #order: readonly string[];
  readonly #underWay = new Set<string>();
  #next = 0;
  /** Places in the window whose pause isn't over. */
  #resting = 0;
  /** Canaries that ended ok. */
  #proven = 0;
  #areCanariesOver: boolean;
  #failures = 0;
  #stopped: StopCause | undefined;

  /** @param order each node once */
  constructor(rules: BatchRules, order: readonly string[]) {
    this.#rules = rules;
    this.#order = order;
    this.#areCanariesOver = rules.canaries === 0;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  get failures(): number {
    return this.#failures;
  }

  /** How many canaries have ended ok. */
  get proven(): number {
    return this.#proven;
  }

  /** Why nothing new starts; undefined while something may. */
  get stopped(): StopCause | undefined {
    return this.#stopped;
  }

  begin(): Step {
    return { ...NOTHING, start: this.#fill() };
  }

  /** In the place of `begin`: goes on where somebody else ceased to. @returns also the pauses that aren't over */
  resume({ outcomes, released, skipped, stopped }: BatchPast): Step & { readonly rests: readonly number[] } {
    const known = new Set(released);
    this.#order = [...released, ...this.#order.filter((node) => !known.has(node) && !skipped.has(node))];
    this.#next = released.length;
    const { canaries, tolerated } = this.#rules;
    const rests: number[] = [];
    let places = 0;
    let failed = stopped;
    for (const node of released) {
      const outcome = outcomes.get(node);
      const isCanary = places < canaries;
      if (outcome?.state !== 'unmatched') places++;
      if (outcome === undefined) {
        this.#underWay.add(node);
        continue;
      }
      const { restMs, state } = outcome;
      if (state === 'unmatched') continue;
      if (restMs > 0) rests.push(restMs);
      if (FAILURES.has(state)) this.#failures++;
      if (!isCanary) continue;
      if (state === 'ok') this.#proven++;
      else failed ??= canaryFailed(node, state);
    }
    this.#areCanariesOver = places > canaries || canaries === 0;
    if (tolerated !== undefined && this.#failures > tolerated) failed ??= tooMany(this.#failures, tolerated);
    if (failed !== undefined) return { ...this.stop(failed), rests: [] };
    const resting = this.#next < this.#order.length ? rests : [];
    this.#resting = resting.length;
    return { ...NOTHING, start: this.#fill(), rests: resting };
  }

  /** A node has its final state, or didn't match: then it is as if it had never been there. */
  ended(node: string, state: FinalState | 'unmatched'): Step {
    if (!this.#underWay.delete(node)) return NOTHING;
    if (state !== 'unmatched' && FAILURES.has(state)) this.#failures++;
    const { pauseMs, tolerated } = this.#rules;
    if (!this.#areCanariesOver) {
      if (state === 'ok') this.#proven++;
      else if (state !== 'unmatched') return this.stop(canaryFailed(node, state));
    }
    if (tolerated !== undefined && this.#failures > tolerated) return this.stop(tooMany(this.#failures, tolerated));
    const rest = pauseMs > 0 && state !== 'unmatched' && this.#stopped === undefined && this.#next < this.#order.length;
    if (rest) this.#resting++;
    return { start: this.#fill(), skip: [], rest };
  }

  /** A pause is over. */
  rested(): Step {
    this.#resting = Math.max(0, this.#resting - 1);
    return { ...NOTHING, start: this.#fill() };
  }

  /** Nothing new starts from here on. The first cause stays. */
  stop(cause: StopCause): Step {
    if (this.#stopped !== undefined) return NOTHING;
    this.#stopped = cause;
    const skip = this.#order.slice(this.#next);
    this.#next = this.#order.length;
    return { ...NOTHING, skip };
  }

  /** These were to start and did not, and are not under way: once stopped, they are skipped with the others. */
  withdraw(nodes: readonly string[]): void {
    for (const node of nodes) this.#underWay.delete(node);
  }

  #fill(): string[] {
    if (this.#stopped !== undefined) return [];
    const start = this.#order.slice(this.#next, this.#next + Math.max(0, this.#room()));
    this.#next += start.length;
    for (const node of start) this.#underWay.add(node);
    return start;
  }

  #room(): number {
    const { canaries, window } = this.#rules;
    if (!this.#areCanariesOver) {
      if (this.#proven < canaries)
        return Math.min(window - this.#resting, canaries - this.#proven) - this.#underWay.size;
      // The pause after the canaries is one for all of the rest: whoever looks at them gets it whole.
      if (this.#resting > 0) return 0;
      this.#areCanariesOver = true;
    }
    return window - this.#resting - this.#underWay.size;
  }
}

function canaryFailed(node: string, state: FinalState): StopCause {
  return { code: 'canary-failed', reason: `never started: the canary ${node} ended ${state}` };
}

function tooMany(failures: number, tolerated: number): StopCause {
  return {
    code: 'failure-limit',
    reason: `never started: ${failures} failed, and ${tolerated === 0 ? 'none' : `no more than ${tolerated}`} may (--max-failures)`,
  };
}
