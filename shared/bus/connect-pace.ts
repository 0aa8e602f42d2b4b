/**
 * How long an agent waits between attempts to connect: little where the bus is away, more and more where it refuses the
 * login. That mends itself only when somebody does something about it, and a fleet of them would keep the bus busy.
 */
import { LIMITS } from '../limits.ts';

export interface ConnectPaceDependencies {
  /** From 0 up to 1: attempts of many agents are spread. */
  readonly random: () => number;
}

export class ConnectPace {
  readonly #random: () => number;
  #refusals = 0;

  constructor({ random }: ConnectPaceDependencies) {
    this.#random = random;
  }

  /** Whether it's the first refusal since the last connection. */
  noteRefused(): boolean {
    return this.#refusals++ === 0;
  }

  noteConnected(): void {
    this.#refusals = 0;
  }

  waitMs(): number {
    const jitter = Math.floor(this.#random() * LIMITS.reconnectJitterMs);
    if (this.#refusals === 0) return LIMITS.reconnectWaitMs + jitter;
    return Math.min(LIMITS.reconnectWaitMs * 2 ** Math.min(this.#refusals, 10), LIMITS.refusedWaitMaxMs) + jitter;
  }
}
