/**
 * Ids of messages that were here before, as long as those could be good: whoever sends one again is refused. Kept in memory:
 * what was done once can't be done twice anyway (a name is taken once, a decision is final), this says so sooner.
 */
import { ProtocolError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { toHex } from '../../shared/signing.ts';

export class RememberedIds {
  readonly #capacity: number;
  /** Key and id → when it can be forgotten. */
  readonly #known = new Map<string, number>();

  constructor(capacity: number = LIMITS.enrollRemembered) {
    this.#capacity = capacity;
  }

  /**
   * @param expires of the message
   * @returns whether it was here before
   * @throws ProtocolError `busy` when there is no room to remember it
   */
  claim(signer: Uint8Array, { id, expires }: { id: Uint8Array; expires: number }, now: number): boolean {
    const key = `${toHex(signer)}:${toHex(id)}`;
    if (this.#known.has(key)) return true;
    if (this.#known.size >= this.#capacity)
      for (const [known, until] of this.#known) if (until <= now) this.#known.delete(known);
    if (this.#known.size >= this.#capacity)
      throw new ProtocolError('too many requests were here within minutes', { code: 'busy' });
    this.#known.set(key, expires + LIMITS.clockSkewMs);
    return false;
  }
}
