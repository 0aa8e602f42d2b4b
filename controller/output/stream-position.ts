/** How far one stream of one program has come: of a piece what is new, and what lies before it and never came. */
import { createHash, type Hash } from 'node:crypto';

export interface TakenPiece {
  readonly gap: { readonly offset: number; readonly count: number } | undefined;
  readonly fresh: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
}

export class StreamPosition {
  /** The next byte that is wanted. */
  next = 0;
  /** Of all so far; undefined once something is missing. */
  #hash: Hash | undefined = createHash('sha256');

  take(offset: number, bytes: Uint8Array): TakenPiece {
    const from = this.next;
    if (bytes.length === 0 || offset + bytes.length <= from) return { gap: undefined, fresh: undefined };
    const gap = offset > from ? { offset: from, count: offset - from } : undefined;
    if (gap !== undefined) this.break();
    const fresh = { offset: Math.max(from, offset), bytes: bytes.subarray(Math.max(0, from - offset)) };
    this.next = offset + bytes.length;
    this.#hash?.update(fresh.bytes);
    return { gap, fresh };
  }

  /** Something is missing. */
  break(): void {
    this.#hash = undefined;
  }

  /** Whether what came is something else; false where a part of it is missing. Asked once. */
  differsFrom(sha256: Uint8Array): boolean {
    return this.#hash !== undefined && Buffer.compare(this.#hash.digest(), sha256) !== 0;
  }
}
