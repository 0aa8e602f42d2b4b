/**
 * Puts records of many writers in the order in which they were written. The bus has them as they were stored, a moment
 * later or, where it was away, much later. Holds back a bounded number: what comes later than that comes as it comes.
 */
export class NewestLast<T> {
  readonly #capacity: number;
  readonly #timeOf: (item: T) => number;
  /** A heap: each item is no older than those at twice its place and the next. */
  readonly #heap: { readonly item: T; readonly at: number; readonly number: number }[] = [];
  #count = 0;

  constructor(capacity: number, timeOf: (item: T) => number) {
    this.#capacity = capacity;
    this.#timeOf = timeOf;
  }

  /** The oldest, once there is no more room. */
  add(item: T): T | undefined {
    this.#heap.push({ item, at: this.#timeOf(item), number: this.#count++ });
    this.#rise(this.#heap.length - 1);
    return this.#heap.length > this.#capacity ? this.#takeOldest() : undefined;
  }

  /** All that is left, oldest first. */
  *rest(): Generator<T> {
    while (this.#heap.length > 0) {
      const item = this.#takeOldest();
      if (item !== undefined) yield item;
    }
  }

  #takeOldest(): T | undefined {
    const [oldest] = this.#heap;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    return oldest?.item;
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return other === undefined;
    return one.at < other.at || (one.at === other.at && one.number < other.number);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      if (left >= this.#heap.length) return;
      const child = right < this.#heap.length && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }
}
