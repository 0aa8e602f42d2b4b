/**
 * The fuzzer: changes inputs that are worth something, runs them in batches, and keeps those that reached code which was
 * never reached or came to an outcome that was never seen. Ends with the fewest and smallest inputs that reach it all.
 */
import type { Coverage, Taken } from './coverage.ts';
import { placeOf, stackOf } from './failure.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateTree } from './mutate-tree.ts';
import type { Random } from './random.ts';
import { shrink } from './shrink.ts';
import type { FuzzTarget, RunningTarget } from './target.ts';

/** Taking the counts costs as much as ten runs: it's done for many at once, and one by one where there was news. */
const BATCH = 64;
/** Runs that a new input may take to be made smaller. */
const SHRINK_RUNS = 64;
/** Failures told of one target; the rest are likely the same. */
const MOST_FAILURES = 10;
/** In place of where it was thrown. */
const TOO_MUCH_WORK = 'work';

export interface Failure {
  readonly input: Uint8Array;
  readonly what: string;
}

export interface FuzzDependencies {
  readonly coverage: Coverage;
  readonly random: Random;
  /** Called before each run: whoever watches knows the input that never came back. */
  readonly beforeRun: (input: Uint8Array) => void;
}

export interface FuzzOutcome {
  readonly executions: number;
  readonly corpus: readonly Uint8Array[];
  readonly failures: readonly Failure[];
  readonly outcomes: readonly string[];
}

export class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #running: RunningTarget;
  readonly #deps: FuzzDependencies;
  #corpus: Uint8Array[] = [];
  readonly #outcomes = new Set<string>();
  readonly #failures = new Map<string, Failure>();
  #executions = 0;

  constructor(target: FuzzTarget, running: RunningTarget, dependencies: FuzzDependencies) {
    this.#target = target;
    this.#running = running;
    this.#deps = dependencies;
  }

  /** Different failures so far. */
  get failures(): number {
    return this.#failures.size;
  }

  /** @param goesOn asked between batches */
  async run(stored: readonly Uint8Array[], goesOn: () => boolean): Promise<FuzzOutcome> {
    this.#deps.coverage.forget();
    for (const input of stored) await this.#tryOne(input, { isSmall: true });
    for (const input of this.#running.seeds) await this.#tryOne(input);
    // A target that takes nothing in has nothing to be changed.
    if (this.#corpus.length === 0) this.#corpus.push(new Uint8Array());
    while (goesOn() && this.#failures.size < MOST_FAILURES) await this.#tryBatch();
    return {
      executions: this.#executions,
      corpus: await this.#smallestCover(),
      failures: [...this.#failures.values()],
      outcomes: [...this.#outcomes].sort(),
    };
  }

  async #tryBatch(): Promise<void> {
    const batch = Array.from({ length: BATCH }, () => this.#mutate());
    const isWordNew: boolean[] = [];
    for (const input of batch) {
      const outcome = await this.#execute(input);
      isWordNew.push(outcome !== undefined && !this.#outcomes.has(outcome));
    }
    const { fresh, work, keep } = this.#deps.coverage.take();
    const least = Math.min(...batch.map(({ length }) => length));
    const isWorth = fresh > 0 || (work > this.#mostWork(least) && !this.#failures.has(TOO_MUCH_WORK));
    for (const [index, input] of batch.entries()) if (isWorth || isWordNew[index] === true) await this.#tryOne(input);
    // What no input reaches by itself is no news the next time.
    keep();
  }

  /** One input by itself: what it reaches is known to be its own. */
  async #tryOne(input: Uint8Array, { isSmall = false } = {}): Promise<void> {
    const outcome = await this.#execute(input);
    const looked = this.#deps.coverage.take();
    if (
      outcome === undefined ||
      (await this.#isTooMuchWork(input, looked)) ||
      (looked.fresh === 0 && this.#outcomes.has(outcome))
    )
      return;
    const isAsGood = async (smaller: Uint8Array): Promise<boolean> => {
      const another = await this.#execute(smaller);
      return this.#deps.coverage.take().fresh >= looked.fresh && another === outcome;
    };
    const smallest = isSmall ? input : await shrink(input, isAsGood, SHRINK_RUNS);
    await this.#execute(smallest);
    this.#deps.coverage.take().keep();
    this.#outcomes.add(outcome);
    this.#corpus.push(smallest);
  }

  async #isTooMuchWork(input: Uint8Array, { work }: Taken): Promise<boolean> {
    const most = this.#mostWork(input.length);
    if (work <= most) return false;
    // The first run of anything compiles and fills caches: only what is as much a second time counts.
    await this.#execute(input);
    const again = this.#deps.coverage.take().work;
    if (again <= most) return false;
    const what = `took ${again} blocks of code, ${most} are allowed for ${input.length} bytes`;
    this.#fail(input, what, TOO_MUCH_WORK);
    return true;
  }

  #mostWork(bytes: number): number {
    const { base, perByte } = this.#target.work;
    return base + perByte * bytes;
  }

  /** The outcome, or nothing where it failed. */
  async #execute(input: Uint8Array): Promise<string | undefined> {
    this.#executions++;
    this.#deps.beforeRun(input);
    try {
      return await this.#running.run(input);
    } catch (error) {
      const place = placeOf(error);
      if (!this.#failures.has(place)) {
        const failsAlike = (smaller: Uint8Array): Promise<boolean> => this.#failsAt(place, smaller);
        this.#fail(await shrink(input, failsAlike, SHRINK_RUNS), stackOf(error), place);
        this.#deps.coverage.take();
      }
      return undefined;
    }
  }

  async #failsAt(place: string, input: Uint8Array): Promise<boolean> {
    this.#deps.beforeRun(input);
    try {
      await this.#running.run(input);
      return false;
    } catch (error) {
      return placeOf(error) === place;
    }
  }

  #fail(input: Uint8Array, what: string, place: string): void {
    if (!this.#failures.has(place)) this.#failures.set(place, { input, what });
  }

  #mutate(): Uint8Array {
    const { random } = this.#deps;
    const { maxBytes, dictionary, shape } = this.#target;
    // Of two at random the smaller one, more often than not: it's faster, and says more.
    const pool = random.oneIn(4) && this.#running.seeds.length > 0 ? this.#running.seeds : this.#corpus;
    const [one, two] = [random.pick(pool), random.pick(pool)];
    const input = one.length <= two.length === random.oneIn(4) ? two : one;
    const material = { random, dictionary, other: random.pick(this.#corpus), maxBytes };
    const changed = shape === 'tree' && !random.oneIn(3) ? mutateTree(input, material) : undefined;
    return changed ?? mutateBytes(input, material);
  }

  /** Smaller ones first, those that add something. */
  async #smallestCover(): Promise<Uint8Array[]> {
    const candidates = [...this.#corpus].sort((a, b) => a.length - b.length || Buffer.compare(a, b));
    const seen = new Set<string>();
    const kept: Uint8Array[] = [];
    this.#deps.coverage.forget();
    for (const input of candidates) {
      const outcome = await this.#execute(input);
      const { fresh, keep } = this.#deps.coverage.take();
      keep();
      if (outcome === undefined || (fresh === 0 && seen.has(outcome))) continue;
      seen.add(outcome);
      kept.push(input);
    }
    return kept;
  }
}
