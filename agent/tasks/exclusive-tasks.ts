/** Which tasks run here that only one of may run at a time: also those that an earlier agent started. */
export class ExclusiveTasks {
  readonly #running = new Set<string>();

  /** @returns what ends it; undefined when it runs already */
  begin(task: string): (() => void) | undefined {
    if (this.#running.has(task)) return undefined;
    this.#running.add(task);
    return () => this.#running.delete(task);
  }
}
