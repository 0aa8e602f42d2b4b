/**
 * The commands that this node is about, by their replay key: from when one is taken in until its last word is kept. Who
 * cancels one, or asks about it, finds it here. What goes on without the agent that took it in is put here again by the
 * agent that picks it up.
 */
import type { Final } from '../replay/journal.ts';

export class RunningCommand {
  readonly key: string;
  /** When it was taken in, by the node's clock. */
  readonly since: number;
  /** Resolves when its last word is kept; with nothing where nobody knows it any more. */
  readonly ended: Promise<Final | undefined>;
  readonly #listeners = new Set<() => void>();
  #end: (final: Final | undefined) => void = () => undefined;
  #cancelledBy: string | undefined;

  constructor(key: string, since: number) {
    this.key = key;
    this.since = since;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** Who said that it has to stop; the first of them. */
  get cancelledBy(): string | undefined {
    return this.#cancelledBy;
  }

  /** Called when it has to stop; at once where that was said already. @returns ends that */
  onCancel(listener: () => void): () => void {
    if (this.#cancelledBy !== undefined) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cancel(by: string): void {
    if (this.#cancelledBy !== undefined) return;
    this.#cancelledBy = by;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  end(final: Final | undefined): void {
    this.#end(final);
  }
}

export class RunningCommands {
  readonly #running = new Map<string, RunningCommand>();

  begin(key: string, since: number): RunningCommand {
    const running = new RunningCommand(key, since);
    this.#running.set(key, running);
    return running;
  }

  /** @param final how it ended; undefined where it is as if it had never come */
  end(running: RunningCommand, final: Final | undefined): void {
    if (this.#running.get(running.key) === running) this.#running.delete(running.key);
    running.end(final);
  }

  get(key: string): RunningCommand | undefined {
    return this.#running.get(key);
  }
}
