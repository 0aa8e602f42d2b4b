/** How many commands run here at once: who finds no room is refused, and who can wait is told when somebody leaves. */
import { RefusedError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';

export class Room {
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  /** @throws RefusedError `busy` */
  enter(): void {
    if (this.#taken >= LIMITS.concurrentCommands)
      throw new RefusedError(`${LIMITS.concurrentCommands} commands are running here already`, { code: 'busy' });
    this.#taken++;
  }

  leave(): void {
    this.#taken--;
    this.#waiting.shift()?.();
  }

  /** Resolves when somebody may enter who does so at once. */
  async wait(): Promise<void> {
    while (this.#taken >= LIMITS.concurrentCommands) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
