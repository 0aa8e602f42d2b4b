/**
 * Reads /proc, /sys and /etc for the collectors, bounded; a file that isn't there, or can't be read, is undefined. The
 * root is an option so that tests read the trees of other systems.
 */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A machine with hundreds of processors has a long /proc/cpuinfo; nothing else comes near. */
const MAX_BYTES = 1024 * 1024;
const CHUNK_BYTES = 16 * 1024;

export class SystemFiles {
  readonly #root: string;

  constructor(root = '/') {
    this.#root = root;
  }

  /** The text of a file, cut at a megabyte. Files under /proc say that they are empty, so it's read to its end. */
  async text(path: string): Promise<string | undefined> {
    const file = await open(join(this.#root, path), 'r').catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const chunks: Buffer[] = [];
      for (let total = 0; total < MAX_BYTES;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
        if (bytesRead === 0) break;
        total += bytesRead;
        chunks.push(buffer.subarray(0, bytesRead));
      }
      return Buffer.concat(chunks).toString('utf8');
    } catch {
      return undefined;
    } finally {
      await file.close();
    }
  }

  /** The text of a file of one value, without white space round it; undefined when that leaves nothing. */
  async line(path: string): Promise<string | undefined> {
    const text = (await this.text(path))?.trim();
    return text === '' ? undefined : text;
  }

  async exists(path: string): Promise<boolean> {
    return stat(join(this.#root, path)).then(
      () => true,
      () => false,
    );
  }
}
