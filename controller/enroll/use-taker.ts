/**
 * Takes uses of tokens, for all who want one at the same time with one write: the entry of a token is one message, and a
 * thousand servers that start together would queue for it one after the other. Two services never grant one use twice:
 * each write is of what was read, or it's refused and done again.
 */
import type { Logger } from '../../shared/logger.ts';
import type { TokenEntry } from '../../shared/wire/enroll-entry.ts';
import { isConflict, type EnrollStore, type Loaded } from './enroll-store.ts';
import { changeUses } from './token-uses.ts';

/** `taken`, with what the token says then; or why not. */
export type UseOutcome =
  | { readonly kind: 'taken'; readonly token: TokenEntry }
  | { readonly kind: 'used-up'; readonly token: TokenEntry }
  | { readonly kind: 'gone' };

interface Waiting {
  readonly fingerprint: string;
  /** Asked of the entry as it is now: revoked or expired tokens have no uses. */
  readonly isGood: (token: TokenEntry) => boolean;
  readonly resolve: (outcome: UseOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface TokenWork {
  waiting: Waiting[];
  readonly done: Set<string>;
  readonly released: Set<string>;
  isRunning: boolean;
}

export class UseTaker {
  readonly #store: EnrollStore;
  readonly #log: Logger;
  readonly #work = new Map<string, TokenWork>();
  readonly #runs = new Set<Promise<void>>();

  constructor(dependencies: { readonly store: EnrollStore; readonly log: Logger }) {
    this.#store = dependencies.store;
    this.#log = dependencies.log;
  }

  take(token: string, fingerprint: string, isGood: Waiting['isGood']): Promise<UseOutcome> {
    return new Promise((resolve, reject) => {
      this.#workOf(token).waiting.push({ fingerprint, isGood, resolve, reject });
      this.#start(token);
    });
  }

  /** It has all that it came for; written down with the next use that somebody takes. */
  done(token: string, fingerprint: string): void {
    this.#workOf(token).done.add(fingerprint);
  }

  /** It can't have what it came for: the use is there for others. */
  release(token: string, fingerprint: string): void {
    this.#workOf(token).released.add(fingerprint);
    this.#start(token);
  }

  /** Resolves when all that was asked for so far is written. */
  async settle(): Promise<void> {
    for (const [token, { done }] of this.#work) if (done.size > 0) this.#start(token);
    while (this.#runs.size > 0) await Promise.all(this.#runs);
  }

  #workOf(token: string): TokenWork {
    const known = this.#work.get(token);
    if (known !== undefined) return known;
    const work = { waiting: [], done: new Set<string>(), released: new Set<string>(), isRunning: false };
    this.#work.set(token, work);
    return work;
  }

  #start(token: string): void {
    const work = this.#workOf(token);
    if (work.isRunning) return;
    work.isRunning = true;
    const run = this.#run(token, work).finally(() => {
      work.isRunning = false;
      this.#runs.delete(run);
      if (work.waiting.length > 0 || work.released.size > 0) this.#start(token);
      else if (work.done.size === 0) this.#work.delete(token);
    });
    this.#runs.add(run);
  }

  async #run(token: string, work: TokenWork): Promise<void> {
    // Whatever else arrives in this turn goes into the same write.
    await new Promise((resolve) => setImmediate(resolve));
    const { waiting } = work;
    work.waiting = [];
    const [done, released] = [new Set(work.done), new Set(work.released)];
    try {
      for (;;) {
        const loaded = await this.#store.token(token);
        if (loaded === undefined) {
          for (const { resolve } of waiting) resolve({ kind: 'gone' });
          break;
        }
        const outcomes = await this.#write(loaded, waiting, { done, released });
        if (outcomes === undefined) continue;
        for (const [index, one] of waiting.entries()) one.resolve(outcomes[index] ?? { kind: 'gone' });
        break;
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      if (waiting.length === 0) this.#log.warn({ error, token }, 'the uses of a token could not be written');
    }
    // Also after a failure: what isn't written stays taken, which lets in nobody too many.
    for (const fingerprint of done) work.done.delete(fingerprint);
    for (const fingerprint of released) work.released.delete(fingerprint);
  }

  /** Undefined where somebody else has written meanwhile. */
  async #write(
    loaded: Loaded<TokenEntry>,
    waiting: readonly Waiting[],
    settled: { readonly done: ReadonlySet<string>; readonly released: ReadonlySet<string> },
  ): Promise<UseOutcome[] | undefined> {
    const { entry } = loaded;
    const wanted = waiting.filter(({ isGood }) => isGood(entry)).map(({ fingerprint }) => fingerprint);
    const { entry: changed, taken } = changeUses(entry, { wanted, ...settled });
    let token = { ...entry, ...changed };
    if (changed.used !== entry.used || changed.open.join() !== entry.open.join()) {
      try {
        token = await this.#store.writeToken(token, loaded);
      } catch (error) {
        if (isConflict(error)) return undefined;
        throw error;
      }
    }
    return waiting.map(({ fingerprint, isGood }) => {
      if (!isGood(entry)) return { kind: 'gone' };
      return { kind: taken.has(fingerprint) ? 'taken' : 'used-up', token };
    });
  }
}
