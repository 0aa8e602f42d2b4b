/**
 * Finds many byte strings in one pass (Aho and Corasick, 1975): a tree of all of them, and from each place in it a link
 * to the longest other beginning that what was read ends with. A place is a number, so that one automaton serves any
 * number of streams. Flat arrays: a long secret in all its forms makes hundreds of thousands of places.
 */
export class Automaton {
  readonly #firstChild: Int32Array;
  readonly #nextSibling: Int32Array;
  readonly #byte: Uint8Array;
  readonly #link: Int32Array;
  readonly #depth: Int32Array;
  /** Length of the longest string that ends here; 0 for none. */
  readonly #longest: Int32Array;
  /** The first step, which is where most bytes of an output end up again. */
  readonly #first = new Int32Array(256);
  #size = 1;

  /** @param strings none of them empty */
  constructor(strings: readonly Uint8Array[]) {
    const room = strings.reduce((sum, { length }) => sum + length, 1);
    this.#firstChild = new Int32Array(room);
    this.#nextSibling = new Int32Array(room);
    this.#byte = new Uint8Array(room);
    this.#link = new Int32Array(room);
    this.#depth = new Int32Array(room);
    this.#longest = new Int32Array(room);
    for (const string of strings) this.#add(string);
    this.#connect();
  }

  /** How many of the bytes read last may be the beginning of a string. */
  pendingAt(place: number): number {
    return this.#depth[place] ?? 0;
  }

  /**
   * Reads on from a place; 0 is the start. Gives the new place.
   * @param onFound called with the end of each string, exclusive, and the length of the longest that ends there
   */
  read(place: number, bytes: Uint8Array, from: number, onFound: (end: number, length: number) => void): number {
    const longest = this.#longest;
    const first = this.#first;
    let at = place;
    for (let index = from; index < bytes.length; index++) {
      const byte = bytes[index]!;
      at = at === 0 ? first[byte]! : this.#step(at, byte);
      if (at !== 0 && longest[at] !== 0) onFound(index + 1, longest[at]!);
    }
    return at;
  }

  #step(place: number, byte: number): number {
    for (let at = place; at !== 0; at = this.#link[at]!) {
      const child = this.#childOf(at, byte);
      if (child !== 0) return child;
    }
    return this.#first[byte]!;
  }

  #childOf(place: number, byte: number): number {
    let child = this.#firstChild[place]!;
    while (child !== 0 && this.#byte[child] !== byte) child = this.#nextSibling[child]!;
    return child;
  }

  #add(string: Uint8Array): void {
    let place = 0;
    for (const [index, byte] of string.entries()) {
      const known = place === 0 ? this.#first[byte]! : this.#childOf(place, byte);
      place = known === 0 ? this.#grow(place, byte, index + 1) : known;
    }
    this.#longest[place] = string.length;
  }

  #grow(parent: number, byte: number, depth: number): number {
    const place = this.#size++;
    this.#byte[place] = byte;
    this.#depth[place] = depth;
    this.#nextSibling[place] = this.#firstChild[parent]!;
    this.#firstChild[parent] = place;
    if (parent === 0) this.#first[byte] = place;
    return place;
  }

  /** Level by level: the link of a place is less deep than the place itself. */
  #connect(): void {
    const queue = new Int32Array(this.#size);
    let end = 0;
    for (let child = this.#firstChild[0]!; child !== 0; child = this.#nextSibling[child]!) queue[end++] = child;
    for (let at = 0; at < end; at++) {
      const place = queue[at]!;
      for (let child = this.#firstChild[place]!; child !== 0; child = this.#nextSibling[child]!) {
        const link = this.#step(this.#link[place]!, this.#byte[child]!);
        this.#link[child] = link;
        if (this.#longest[child] === 0) this.#longest[child] = this.#longest[link]!;
        queue[end++] = child;
      }
    }
  }
}
