/**
 * One collector in the store: its last good facts and their age, its error, and one collection at a time. Never rejects.
 *
 *   waiting → collecting → waiting     a collection ended, well or not
 *             collecting → hung        it was told to stop and didn't; no other is begun until it returns
 */
import { LIMITS } from '../../shared/limits.ts';
import { canonicalFacts } from './canonical-facts.ts';
import type { Collector } from './collector.ts';
import { FactProblem, toFacts, type FactDocument } from './fact-value.ts';
import type { Lane } from './lane.ts';
import { freezeFacts } from './merge-facts.ts';
import type { Scheduler } from './scheduler.ts';

export interface EntryDependencies {
  /** Monotonic time, in milliseconds. */
  readonly monotonic: () => number;
  readonly scheduler: Scheduler;
  /** Where programs queue; undefined for collectors that only read. */
  readonly lane: Lane | undefined;
  /** Aborts when the store stops. */
  readonly stopped: AbortSignal;
  /** Called when facts or error of the entry are others than before. */
  readonly changed: (entry: FactEntry) => void;
}

export class FactEntry {
  readonly collector: Collector;
  readonly #dependencies: EntryDependencies;
  #facts: FactDocument | undefined;
  #canonical: string | undefined;
  #collectedAt: number | undefined;
  #triedAt: number | undefined;
  #tookMs: number | undefined;
  #error: string | undefined;
  #attempt: Promise<void> | undefined;
  #hung = false;
  /** When the next collection is due, in monotonic time. */
  dueAt: number;

  constructor(collector: Collector, dependencies: EntryDependencies) {
    this.collector = collector;
    this.#dependencies = dependencies;
    this.dueAt = dependencies.monotonic();
  }

  get facts(): FactDocument | undefined {
    return this.#facts;
  }

  get error(): string | undefined {
    return this.#error;
  }

  get tookMs(): number | undefined {
    return this.#tookMs;
  }

  /** Whether there is anything to go by: facts, or the knowledge that there are none. */
  get isKnown(): boolean {
    return this.#facts !== undefined || this.#triedAt !== undefined;
  }

  /** Age of the facts. */
  get ageMs(): number | undefined {
    return this.#collectedAt === undefined ? undefined : this.#dependencies.monotonic() - this.#collectedAt;
  }

  /** Time since the last collection ended, well or not. */
  get triedMsAgo(): number {
    return this.#triedAt === undefined ? Infinity : this.#dependencies.monotonic() - this.#triedAt;
  }

  /** Takes what an earlier run of the agent has collected, or what the entry of the same file had. */
  restore(facts: FactDocument, ageMs: number): void {
    if (this.#facts !== undefined) return;
    this.#facts = freezeFacts(facts);
    this.#canonical = canonicalFacts(facts);
    this.#collectedAt = this.#dependencies.monotonic() - ageMs;
  }

  /** Joins the collection that is under way, or starts one. */
  collect(): Promise<void> {
    if (this.#dependencies.stopped.aborted || this.#hung) return Promise.resolve();
    this.#attempt ??= this.#queue().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #queue(): Promise<void> {
    const { lane, stopped } = this.#dependencies;
    const run = async (): Promise<void> => {
      if (!stopped.aborted) await this.#collect();
    };
    await (lane === undefined ? run() : lane.run(run));
  }

  async #collect(): Promise<void> {
    const { monotonic, stopped } = this.#dependencies;
    const startedAt = monotonic();
    try {
      const facts = toFacts(await this.#bounded());
      const canonical = canonicalFacts(facts);
      const isSame = canonical === this.#canonical && this.#error === undefined;
      this.#collectedAt = this.#triedAt = monotonic();
      this.#tookMs = this.#triedAt - startedAt;
      this.#error = undefined;
      if (isSame) return;
      this.#facts = freezeFacts(facts);
      this.#canonical = canonical;
    } catch (error) {
      if (stopped.aborted) return;
      this.#triedAt = monotonic();
      this.#tookMs = this.#triedAt - startedAt;
      const isSame = this.#keepOrDrop(error);
      if (isSame) return;
    }
    this.#dependencies.changed(this);
  }

  /** Keeps the last good facts for their time. Says whether nothing has changed for anybody. */
  #keepOrDrop(error: unknown): boolean {
    const reason = error instanceof Error ? error.message : String(error);
    const isStale = this.#facts !== undefined && (this.ageMs ?? 0) > LIMITS.factStaleMs;
    const isSame = reason === this.#error && !isStale;
    this.#error = reason;
    if (isStale) {
      this.#facts = this.#canonical = this.#collectedAt = undefined;
    }
    return isSame;
  }

  /** The collector's facts, or its end by time limit or by the store's stop, whether it reacts to its signal or not. */
  async #bounded(): Promise<FactDocument> {
    const { scheduler, stopped } = this.#dependencies;
    const { collector } = this;
    const abort = new AbortController();
    let returned = false;
    let end!: (reason: string) => void;
    const ended = new Promise<never>((_, reject) => {
      end = (reason) => {
        reject(new FactProblem(reason));
        abort.abort();
      };
    });
    const stop = (): void => end('was stopped');
    const cancelTimer = scheduler.after(collector.timeoutMs, () => end(`took longer than ${collector.timeoutMs} ms`));
    stopped.addEventListener('abort', stop, { once: true });
    const collecting = Promise.resolve()
      .then(() => collector.collect(abort.signal))
      .finally(() => {
        returned = true;
        this.#hung = false;
      });
    try {
      return await Promise.race([collecting, ended]);
    } finally {
      cancelTimer();
      stopped.removeEventListener('abort', stop);
      if (!returned) {
        this.#hung = true;
        collecting.catch(() => undefined);
      }
    }
  }
}
