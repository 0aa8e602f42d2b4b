/** What became of the messages: counted by name, told in the inventory and the log. */
export class Counters {
  readonly #counts = new Map<string, number>();

  /** Names are ours, never the sender's: the map can't be made to grow. */
  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  toObject(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
