/** What is known of nodes that are silent while a command waits for them: so that their verdict says since when. */
import type { AwaySince } from './away-since.ts';

/** `away since 2026-11-02 10:22:01`, in UTC. */
function awaySinceText({ isFound, since }: AwaySince): string {
  const moment = new Date(since).toISOString().slice(0, 19).replace('T', ' ');
  return isFound ? `found away at ${moment}` : `away since ${moment}`;
}

export class SilentNodes {
  readonly #ask: (nodes: readonly string[]) => Promise<ReadonlyMap<string, AwaySince>>;
  readonly #known = new Map<string, AwaySince>();

  constructor(ask: (nodes: readonly string[]) => Promise<ReadonlyMap<string, AwaySince>>) {
    this.#ask = ask;
  }

  /** Nobody waits for it. */
  ask(nodes: readonly string[]): void {
    void this.#ask(nodes).then(
      (known) => {
        for (const [node, since] of known) this.#known.set(node, since);
      },
      () => undefined,
    );
  }

  /** In words; undefined where nobody knows. */
  wordsOf(node: string): string | undefined {
    const since = this.#known.get(node);
    return since && awaySinceText(since);
  }
}
