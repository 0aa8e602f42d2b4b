/** What a program writes, as a spool has it: files that grow, and stay when whoever reads them begins anew. */
import { appendFileSync, closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { OutputSource } from '../../agent/output/output-source.ts';
import type { OutputStream } from '../../shared/wire/result.ts';
import { temporaryFolder } from './temporary-folder.ts';

export class GrowingOutput implements OutputSource {
  readonly #folder = temporaryFolder();
  readonly #listeners = new Set<() => void>();
  readonly #bytes = { stdout: 0, stderr: 0 };
  readonly released = { stdout: 0, stderr: 0 };
  #isOver = false;

  write(stream: OutputStream, bytes: Uint8Array | string): void {
    appendFileSync(join(this.#folder, stream), bytes);
    this.#bytes[stream] += Buffer.byteLength(bytes);
    this.#tell();
  }

  end(): void {
    this.#isOver = true;
    this.#tell();
  }

  get state(): OutputSource['state'] {
    const of = (stream: OutputStream) => ({
      bytes: this.#bytes[stream],
      droppedBytes: 0,
      releasedBytes: Math.min(this.released[stream], this.#bytes[stream]),
    });
    return { streams: { stdout: of('stdout'), stderr: of('stderr') }, isOver: this.#isOver };
  }

  read(stream: OutputStream, offset: number, maxBytes: number): Promise<Uint8Array> {
    const file = openSync(join(this.#folder, stream), 'r');
    try {
      const buffer = Buffer.alloc(Math.min(maxBytes, this.#bytes[stream] - offset));
      return Promise.resolve(buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset)));
    } finally {
      closeSync(file);
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  release(stream: OutputStream, offset: number): void {
    this.released[stream] = Math.max(this.released[stream], offset);
  }

  /** Of who listens for changes. */
  get listeners(): number {
    return this.#listeners.size;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
