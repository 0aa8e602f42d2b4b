/**
 * Credit for output that is only heard: a node says so much of it without, and more for as long as what it said before was
 * taken. Who says more than it may is not listened to: nothing piles up here.
 */
import { LIMITS } from '../../shared/limits.ts';
import type { Result } from '../../shared/wire/result.ts';

export interface CreditGiverDependencies {
  /** Signs and sends it. */
  readonly give: (node: string, id: Uint8Array, bytes: number) => void;
}

interface Account {
  /** Of the command that it answers. */
  readonly id: Uint8Array;
  given: number;
  /** What has come of both streams. */
  come: number;
  taken: number;
}

export class CreditGiver {
  readonly #deps: CreditGiverDependencies;
  readonly #accounts = new Map<string, Account>();
  readonly #again: NodeJS.Timeout;

  constructor(dependencies: CreditGiverDependencies) {
    this.#deps = dependencies;
    this.#again = setInterval(() => this.#giveAgain(), LIMITS.outputCreditAgainMs).unref();
  }

  /** These have been sent a command with this id. */
  expect(nodes: readonly string[], id: Uint8Array): void {
    for (const node of nodes)
      if (!this.#accounts.has(node))
        this.#accounts.set(node, { id, given: LIMITS.outputCreditBytes, come: 0, taken: 0 });
  }

  /** A piece has come: whether it was allowed to. */
  covers({ node, output }: Result): boolean {
    const account = this.#accounts.get(node);
    if (account === undefined) return false;
    account.come += output?.bytes.length ?? 0;
    return account.come <= account.given;
  }

  /** So much of both streams has been taken from a node in all. */
  taken(node: string, bytes: number): void {
    const account = this.#accounts.get(node);
    if (account === undefined) return;
    account.taken = Math.max(account.taken, bytes);
    if (account.given - account.taken <= LIMITS.outputCreditBytes / 2)
      this.#give(node, account, LIMITS.outputCreditBytes);
  }

  /** Nothing more is expected of it. */
  ended(node: string): void {
    this.#accounts.delete(node);
  }

  close(): void {
    clearInterval(this.#again);
  }

  /** Whoever hears none any more may stop. What it said may have been lost on the way: then it waits for more than it was given. */
  #giveAgain(): void {
    for (const [node, account] of this.#accounts) {
      const more = account.come > 0 && account.come < account.given ? LIMITS.outputCreditBytes : 0;
      this.#give(node, account, Math.min(account.given - account.taken + more, 4 * LIMITS.outputCreditBytes));
    }
  }

  #give(node: string, account: Account, ahead: number): void {
    account.given = Math.max(account.given, account.taken + ahead);
    this.#deps.give(node, account.id, account.given);
  }
}
