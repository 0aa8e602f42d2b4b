/**
 * How many commands run here at once, of all callers and of each: who finds no room is refused. What waits in the node's
 * queue, one at a time, is given its place before it is carried out: nobody sends that again.
 */
import { RefusedError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';

export class Room {
  #taken = 0;
  readonly #callers = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];

  /** @throws RefusedError `busy` */
  enter(caller: string): void {
    if (this.#taken >= LIMITS.concurrentCommands)
      throw new RefusedError(`${LIMITS.concurrentCommands} commands are running here already`, { code: 'busy' });
    const own = this.#callers.get(caller) ?? 0;
    if (own >= LIMITS.concurrentCommandsPerCaller)
      throw new RefusedError(`${LIMITS.concurrentCommandsPerCaller} commands of ${caller} are running here already`, {
        code: 'busy',
      });
    this.#callers.set(caller, own + 1);
    this.#taken++;
  }

  leave(caller: string): void {
    const own = this.#callers.get(caller) ?? 0;
    if (own > 1) this.#callers.set(caller, own - 1);
    else this.#callers.delete(caller);
    this.giveBack();
  }

  /** Resolves with a place that is taken: of nobody's share. */
  async reserve(): Promise<void> {
    if (this.#taken < LIMITS.concurrentCommands) this.#taken++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** To who waits, where somebody does. */
  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
