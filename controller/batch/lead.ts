/**
 * Leads a batch: carries out what the schedule says, and tells it how nodes ended and that pauses are over. The same in a
 * command line and in a service that took over from one: a turn is written down, where there is a record, and then sent.
 * Who finds that somebody else wrote meanwhile leads no more. Used by run-plan.ts.
 */
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { FinalState } from '../../shared/states.ts';
import type { Turn } from '../plan.ts';
import type { SignedCommand } from '../request.ts';
import type { BatchRules } from './rules.ts';
import { BatchSchedule, type BatchPast, type Step, type StopCause } from './schedule.ts';

export interface LeadOptions {
  readonly rules: BatchRules;
  readonly expected: readonly string[];
  /** For the whole job, in milliseconds: nothing starts after it. */
  readonly deadlineMs?: number | undefined;
  /** Until when what others signed can be sent; undefined where it is signed at each turn. */
  readonly usableUntil?: number | undefined;
  /** How far somebody else brought it. @default it begins here */
  readonly past?: BatchPast | undefined;
}

export interface LeadDependencies {
  readonly clock: Clock;
  /** What goes to these, written down where there is a record. */
  readonly release: (nodes: readonly string[]) => Promise<Turn>;
  /** The same once more, of what was written down before. */
  readonly recall: (nodes: readonly string[]) => Promise<Turn>;
  readonly send: (command: SignedCommand, only: ReadonlySet<string>) => void;
  /** Their time to answer runs from now. */
  readonly onStart: (nodes: readonly string[], mayStartUntil: number | undefined) => void;
  readonly onSkip: (nodes: readonly string[], cause: StopCause) => void;
  /** Somebody else leads it now. */
  readonly onLeadLost: () => void;
  /** Whether what went wrong means that. */
  readonly isLeadLost: (error: unknown) => boolean;
  /** Nothing was sent at all, or something is broken. */
  readonly onFailed: (error: unknown) => void;
}

/** How far a batch is, for who watches. */
export interface BatchProgress {
  readonly canaries: { readonly done: number; readonly of: number };
  readonly underWay: number;
  readonly failures: number;
  readonly tolerated: number | undefined;
}

export class BatchLeader {
  readonly #options: LeadOptions;
  readonly #deps: LeadDependencies;
  readonly #schedule: BatchSchedule;
  /** Their turn has come, and they weren't sent anything yet. */
  readonly #signing = new Set<string>();
  readonly #sent = new Map<string, SignedCommand>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isOver = false;
  #isPaused = false;

  constructor(options: LeadOptions, dependencies: LeadDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#schedule = new BatchSchedule(options.rules, options.expected.toSorted(compareNatural));
  }

  begin(): void {
    const { deadlineMs, past } = this.#options;
    if (deadlineMs !== undefined)
      this.#after(deadlineMs, () =>
        this.stop({ code: 'deadline', reason: 'never started: the deadline of the whole had come' }),
      );
    if (past === undefined) this.#carryOut(this.#schedule.begin());
    else void this.#resume(past).catch(this.#deps.onFailed);
  }

  ended(node: string, state: FinalState | 'unmatched'): void {
    if (!this.#isOver) this.#carryOut(this.#schedule.ended(node, state));
  }

  /** Nothing new starts from here on; who was not sent anything is skipped. */
  stop(cause: StopCause): void {
    if (!this.#isOver) this.#carryOut(this.#schedule.stop(cause));
  }

  /** Nothing is started until it's known who goes on: then it's stopped, or ended here. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Nobody waits for it any more, or somebody else leads it: nothing is started, and nothing skipped. */
  end(): void {
    this.#isOver = true;
    this.#signing.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The same bytes once more. */
  sendAgain(nodes: readonly string[]): void {
    for (const node of nodes) {
      const command = this.#sent.get(node);
      if (command !== undefined) this.#deps.send(command, new Set([node]));
    }
  }

  get stopped(): StopCause | undefined {
    return this.#schedule.stopped;
  }

  get progress(): BatchProgress {
    const { failures, proven, underWay } = this.#schedule;
    const { canaries, tolerated } = this.#options.rules;
    const of = Math.min(canaries, this.#options.expected.length);
    return { canaries: { done: proven, of }, underWay, failures, tolerated };
  }

  #carryOut({ start, skip, rest }: Step): void {
    if (rest) this.#after(this.#options.rules.pauseMs, () => this.#carryOut(this.#schedule.rested()));
    const { stopped } = this.#schedule;
    if (stopped !== undefined) {
      const withheld = [...this.#signing];
      this.#signing.clear();
      this.#schedule.withdraw(withheld);
      if (withheld.length + skip.length > 0) this.#deps.onSkip([...withheld, ...skip], stopped);
    }
    if (start.length > 0) void this.#start(start).catch(this.#deps.onFailed);
  }

  async #start(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) this.#signing.add(node);
    if (this.#isPaused) return;
    const { clock, isLeadLost, onLeadLost, release } = this.#deps;
    if (clock.now() > (this.#options.usableUntil ?? Infinity)) return this.stop(APPROVAL_OVER);
    let turn: Turn;
    try {
      turn = await release(nodes);
    } catch (error) {
      if (isLeadLost(error)) {
        this.end();
        return onLeadLost();
      }
      // Some have it already: what became of them is worth more than the error.
      if (this.#sent.size === 0 || !(error instanceof FleetError)) throw error;
      return this.stop({ code: error.code, reason: `never started: ${error.message}` });
    }
    // It may have been stopped meanwhile.
    const now = new Set(nodes.filter((node) => this.#signing.delete(node)));
    this.#send(turn, now);
  }

  #send({ commands, mayStartUntil }: Turn, now: ReadonlySet<string>): void {
    if (now.size === 0) return;
    for (const command of commands) {
      for (const node of command.nodes ?? []) if (now.has(node)) this.#sent.set(node, command);
      this.#deps.send(command, now);
    }
    this.#deps.onStart([...now], mayStartUntil);
  }

  /** Whoever led it may have died between writing a turn down and sending it: nodes know what they had. */
  async #resume(past: BatchPast): Promise<void> {
    const { rests, ...step } = this.#schedule.resume(past);
    const underWay = past.released.filter((node) => !past.outcomes.has(node));
    if (underWay.length > 0) this.#send(await this.#deps.recall(underWay), new Set(underWay));
    if (this.#isOver) return;
    for (const ms of rests) this.#after(ms, () => this.#carryOut(this.#schedule.rested()));
    this.#carryOut(step);
  }

  #after(ms: number, run: () => void): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

const APPROVAL_OVER: StopCause = {
  code: 'approval-expired',
  reason: 'never started: what others had signed for it was over by then',
};
