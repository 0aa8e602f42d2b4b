/** Random numbers that follow from a seed: a run can be had again. Not for keys. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 bits (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 up to and without `limit`; 0 where there is none. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** The list must have something in it. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
