/** Pieces cut anywhere, as pieces that are text where the whole is: a character's bytes stay together. */

export interface TextPiece {
  readonly offset: number;
  /** Undefined where it's no UTF-8. */
  readonly text: string | undefined;
  readonly bytes: Uint8Array;
}

export class TextPieces {
  #rest: Buffer = Buffer.alloc(0);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** @param offset of the bytes, in their stream */
  write(offset: number, bytes: Uint8Array): TextPiece | undefined {
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.length - incompleteEnd(all);
    const start = offset - this.#rest.length;
    this.#rest = Buffer.from(all.subarray(end));
    return end === 0 ? undefined : this.#piece(start, all.subarray(0, end));
  }

  /** What is left; before bytes that don't follow it as well. @param offset behind the last of it */
  end(offset: number): TextPiece | undefined {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? undefined : this.#piece(offset - rest.length, rest);
  }

  #piece(offset: number, bytes: Buffer): TextPiece {
    try {
      return { offset, text: this.#decoder.decode(bytes), bytes };
    } catch {
      return { offset, text: undefined, bytes };
    }
  }
}

/** How many bytes at the end begin a character without completing it. */
function incompleteEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
