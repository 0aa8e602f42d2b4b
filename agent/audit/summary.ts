/** Counts what comes in numbers, and tells once a minute how often each came. */
import { LIMITS } from '../../shared/limits.ts';

/** Different things that are counted at once; those beyond are counted as `others`. */
const KINDS = 64;

export class Summary {
  readonly #tell: (counts: Record<string, number>) => void;
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (counts: Record<string, number>) => void) {
    this.#tell = tell;
  }

  /** @param free so many within the minute are the caller's to tell one by one, and aren't in the sum */
  count(what: string, free = 0): 'free' | 'counted' {
    const kind = this.#counts.has(what) || this.#counts.size < KINDS ? what : 'others';
    const count = (this.#counts.get(kind) ?? -free) + 1;
    this.#counts.set(kind, count);
    this.#timer ??= setTimeout(() => this.tell(), LIMITS.auditSummaryMs).unref();
    return count > 0 ? 'counted' : 'free';
  }

  /** Tells now, where there is anything, and begins anew. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counted = [...this.#counts].filter(([, count]) => count > 0);
    this.#counts.clear();
    if (counted.length > 0) this.#tell(Object.fromEntries(counted));
  }
}
