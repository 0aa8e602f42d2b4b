/**
 * Ids of messages that were here before, as long as those could be good: whoever sends one again is refused. Kept in memory:
 * what was done once can't be done twice anyway (a name is taken once, a decision is final), this says so sooner.
 */
import { ProtocolError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { toHex } from '../../shared/signing.ts';

export interface RememberedIdsOptions {
  /** @default LIMITS.enrollRemembered */
  readonly capacity?: number;
  /** Of these, what one owner may take: who has a token must not take the room of all others. @default a quarter */
  readonly capacityPerOwner?: number;
}

export class RememberedIds {
  readonly #capacity: number;
  readonly #capacityPerOwner: number;
  /** By owner: id → when it can be forgotten. */
  readonly #known = new Map<string, Map<string, number>>();
  #size = 0;

  constructor({ capacity = LIMITS.enrollRemembered, capacityPerOwner = capacity / 4 }: RememberedIdsOptions = {}) {
    this.#capacity = capacity;
    this.#capacityPerOwner = capacityPerOwner;
  }

  /**
   * @param owner a token, an operator
   * @param expires of the message
   * @returns whether it was here before
   * @throws ProtocolError `busy` when there is no room to remember it
   */
  claim(owner: string, { id, expires }: { id: Uint8Array; expires: number }, now: number): boolean {
    const own = this.#known.get(owner) ?? new Map<string, number>();
    const key = toHex(id);
    if (own.has(key)) return true;
    if (this.#isFull(own)) this.#forget(now);
    if (this.#isFull(own)) throw new ProtocolError('too many requests were here within minutes', { code: 'busy' });
    this.#known.set(owner, own.set(key, expires + LIMITS.clockSkewMs));
    this.#size++;
    return false;
  }

  #isFull(own: ReadonlyMap<string, number>): boolean {
    return this.#size >= this.#capacity || own.size >= this.#capacityPerOwner;
  }

  #forget(now: number): void {
    for (const [owner, ids] of this.#known) {
      for (const [id, until] of ids) if (until <= now && ids.delete(id)) this.#size--;
      if (ids.size === 0) this.#known.delete(owner);
    }
  }
}
