/**
 * Tells whoever leads here that it's over: the bus is gone, or the service stops. At once: somebody else may lead a moment
 * later, and what isn't heard must not be counted. In the place of the command line's BusWatch, which waits a while.
 */
export class LeadWatch {
  readonly #waiters = new Set<(why: string) => void>();
  #lost: string | undefined;

  /** Why nothing is heard any more; undefined while it is. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Returns what ends it. */
  onLost(_subject: string, onLost: (why: string) => void): () => void {
    this.#waiters.add(onLost);
    return () => void this.#waiters.delete(onLost);
  }

  lose(why: string): void {
    this.#lost ??= why;
    for (const waiter of this.#waiters) waiter(why);
  }

  /** There is a bus again. */
  restore(): void {
    this.#lost = undefined;
  }
}
