/**
 * What a program of the agent's own writes (the reader of a log), held in memory until it has been handed over. There is
 * little room: whoever writes is asked to wait meanwhile, and nothing is dropped.
 */
import { createHash } from 'node:crypto';
import { OUTPUT_STREAMS, type OutputStream, type StreamDigest } from '../../shared/wire/result.ts';
import type { OutputSource } from './output-source.ts';

export interface PipedOutputOptions {
  readonly maxBytes: number;
  /** There is room again. */
  readonly onRoom: () => void;
  /** Nobody listens any more. */
  readonly onUnheard: () => void;
}

class Pipe {
  readonly hash = createHash('sha256');
  bytes = 0;
  released = 0;
  /** What was not released, in order. */
  held: Buffer[] = [];

  get heldBytes(): number {
    return this.released === Infinity ? 0 : this.bytes - this.released;
  }
}

export class PipedOutput implements OutputSource {
  readonly #options: PipedOutputOptions;
  readonly #pipes: Readonly<Record<OutputStream, Pipe>> = { stdout: new Pipe(), stderr: new Pipe() };
  readonly #listeners = new Set<() => void>();
  #isOver = false;
  #wasFull = false;

  constructor(options: PipedOutputOptions) {
    this.#options = options;
  }

  get state(): OutputSource['state'] {
    const of = ({ bytes, released }: Pipe) => ({ bytes, droppedBytes: 0, releasedBytes: Math.min(bytes, released) });
    return { streams: { stdout: of(this.#pipes.stdout), stderr: of(this.#pipes.stderr) }, isOver: this.#isOver };
  }

  /** @returns whether there is room for more: where not, `onRoom` says when */
  write(stream: OutputStream, bytes: Uint8Array): boolean {
    const pipe = this.#pipes[stream];
    pipe.hash.update(bytes);
    pipe.bytes += bytes.length;
    if (pipe.released !== Infinity) pipe.held.push(Buffer.from(bytes));
    this.#wasFull = this.#heldBytes() >= this.#options.maxBytes;
    this.#tell();
    return !this.#wasFull;
  }

  /** Nothing more comes. @returns what there was */
  end(): Record<OutputStream, StreamDigest> {
    this.#isOver = true;
    this.#tell();
    const digest = ({ bytes, hash }: Pipe): StreamDigest => ({ bytes, sha256: new Uint8Array(hash.digest()) });
    return { stdout: digest(this.#pipes.stdout), stderr: digest(this.#pipes.stderr) };
  }

  read(stream: OutputStream, offset: number, maxBytes: number): Promise<Uint8Array> {
    const { held, released } = this.#pipes[stream];
    const parts: Buffer[] = [];
    let at = released;
    let wanted = maxBytes;
    for (const chunk of held) {
      const part = chunk.subarray(Math.max(0, offset - at)).subarray(0, wanted);
      at += chunk.length;
      if (part.length === 0) continue;
      parts.push(part);
      wanted -= part.length;
      if (wanted === 0) break;
    }
    return Promise.resolve(Buffer.concat(parts));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  release(stream: OutputStream, offset: number): void {
    const pipe = this.#pipes[stream];
    if (offset <= pipe.released) return;
    if (offset === Infinity) pipe.held = [];
    else
      for (let rest = offset - pipe.released; rest > 0;) {
        const [first] = pipe.held;
        if (first === undefined) break;
        if (first.length <= rest) pipe.held.shift();
        else pipe.held[0] = first.subarray(rest);
        rest -= first.length;
      }
    pipe.released = offset;
    if (!this.#wasFull || this.#heldBytes() >= this.#options.maxBytes) return;
    this.#wasFull = false;
    this.#options.onRoom();
  }

  unheard(): void {
    this.#options.onUnheard();
  }

  #heldBytes(): number {
    return OUTPUT_STREAMS.reduce((sum, stream) => sum + this.#pipes[stream].heldBytes, 0);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
