/** Tells listeners when the stable facts are others than those told last: once for changes that come together. */
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { canonicalFacts } from './canonical-facts.ts';
import type { FactDocument } from './fact-value.ts';
import type { Scheduler } from './scheduler.ts';

export type ChangeListener = (stable: FactDocument) => void;

export class ChangeAnnouncer {
  readonly #stable: () => FactDocument;
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  readonly #listeners = new Set<ChangeListener>();
  #told: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(stable: () => FactDocument, scheduler: Scheduler, log: Logger) {
    this.#stable = stable;
    this.#scheduler = scheduler;
    this.#log = log;
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What there is now is known to everybody. */
  begin(): void {
    this.#told = canonicalFacts(this.#stable());
  }

  /** Something may have changed: looks after a while, counted from the first of several calls. */
  touch(): void {
    this.#cancel ??= this.#scheduler.after(LIMITS.factDebounceMs, () => {
      this.#cancel = undefined;
      this.#announce();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#listeners.clear();
  }

  #announce(): void {
    const stable = this.#stable();
    const text = canonicalFacts(stable);
    if (text === this.#told) return;
    this.#told = text;
    for (const listener of this.#listeners) {
      try {
        listener(stable);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener for changed facts failed');
      }
    }
  }
}
