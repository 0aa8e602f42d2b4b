/**
 * How much room the output of all programs has on the disk: what was configured, and never the last bytes of the file
 * system, which the memory of commands needs more.
 */
import { readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../shared/limits.ts';

/** Bytes that may be written before the file system is asked again. */
const TRUSTED_BYTES = 1024 * 1024;

export class SpoolRoom {
  /** Undefined until an agent has said it. */
  #maxBytes: number | undefined;
  readonly #folder: string;
  /** Of each run, its bytes on the disk. */
  readonly #sizes = new Map<string, number>();
  #used = 0;
  #trusted = 0;

  /** With what earlier runners have left. */
  constructor(folder: string) {
    this.#folder = folder;
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) this.add(entry.name, sizeOf(join(folder, entry.name)));
  }

  setLimit(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  /** They are counted by `add`, when they are written. */
  hasRoomFor(bytes: number): boolean {
    if (this.#maxBytes !== undefined && this.#used + bytes > this.#maxBytes) return false;
    if (this.#trusted < bytes) this.#trusted = Math.min(this.#leftOnDisk(), Math.max(TRUSTED_BYTES, bytes));
    if (this.#trusted < bytes) return false;
    this.#trusted -= bytes;
    return true;
  }

  add(run: string, bytes: number): void {
    this.#sizes.set(run, (this.#sizes.get(run) ?? 0) + bytes);
    this.#used += bytes;
  }

  /** Removes a run's folder. */
  remove(run: string): void {
    rmSync(join(this.#folder, run), { recursive: true, force: true });
    this.#used -= this.#sizes.get(run) ?? 0;
    this.#sizes.delete(run);
  }

  /** Without what has to stay free. */
  #leftOnDisk(): number {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#folder);
      return bavail * bsize - Math.min(LIMITS.spoolFreeBytes, (blocks * bsize) / 10);
    } catch {
      return 0;
    }
  }
}

function sizeOf(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
