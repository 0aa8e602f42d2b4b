/**
 * One output stream of a program in bounded memory: its head and its tail are kept, the middle is dropped and counted.
 * Bytes are copied, because a small chunk may keep a large buffer of the stream alive.
 */

export interface KeptOutput {
  /** UTF-8; bytes that are none become U+FFFD. Where something was dropped, one line says how much. */
  readonly text: string;
  readonly droppedBytes: number;
}

export class BoundedOutput {
  readonly #half: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  /** A ring that is made when the head is full; most programs never get there. */
  #tail: Buffer | undefined;
  #tailBytes = 0;

  constructor(limitBytes: number) {
    this.#half = Math.floor(limitBytes / 2);
  }

  write(chunk: Buffer): void {
    const room = this.#half - this.#headBytes;
    if (room > 0) {
      const part = Buffer.from(chunk.subarray(0, room));
      this.#head.push(part);
      this.#headBytes += part.length;
    }
    if (chunk.length > room) this.#writeTail(chunk.subarray(Math.max(room, 0)));
  }

  /** What was kept so far. A character that the cut goes through is dropped and counted, not turned into U+FFFD. */
  read(): KeptOutput {
    const head = Buffer.concat(this.#head);
    const tail = this.#readTail();
    const lost = this.#tailBytes - tail.length;
    if (lost === 0) return { text: Buffer.concat([head, tail]).toString('utf8'), droppedBytes: 0 };

    const headEnd = head.length - incompleteEnd(head);
    const tailStart = continuationStart(tail);
    const droppedBytes = lost + (head.length - headEnd) + tailStart;
    const before = head.toString('utf8', 0, headEnd);
    const after = tail.toString('utf8', tailStart);
    const newline = before === '' || before.endsWith('\n') ? '' : '\n';
    return { text: `${before}${newline}… ${droppedBytes} bytes left out …\n${after}`, droppedBytes };
  }

  #writeTail(bytes: Buffer): void {
    this.#tail ??= Buffer.allocUnsafe(this.#half);
    const kept = bytes.subarray(Math.max(0, bytes.length - this.#half));
    const at = (this.#tailBytes + bytes.length - kept.length) % this.#half;
    const first = Math.min(kept.length, this.#half - at);
    kept.copy(this.#tail, at, 0, first);
    kept.copy(this.#tail, 0, first);
    this.#tailBytes += bytes.length;
  }

  #readTail(): Buffer {
    if (this.#tail === undefined) return Buffer.alloc(0);
    if (this.#tailBytes <= this.#half) return this.#tail.subarray(0, this.#tailBytes);
    const start = this.#tailBytes % this.#half;
    return Buffer.concat([this.#tail.subarray(start), this.#tail.subarray(0, start)]);
  }
}

/** How many bytes at the end begin a UTF-8 character without completing it. */
function incompleteEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back && byte < 0xf8 ? back : 0;
  }
  return 0;
}

/** How many bytes at the start belong to a UTF-8 character that began before them. */
function continuationStart(bytes: Buffer): number {
  let start = 0;
  while (start < Math.min(3, bytes.length) && (bytes[start]! & 0xc0) === 0x80) start++;
  return start;
}
