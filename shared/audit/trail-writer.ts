/**
 * Writes lines to the files of a trail, in order, as many at a time as have come together. A write that failed is tried
 * again with the next, at the place where it began: a file never has a hole, and no line twice.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LIMITS } from '../limits.ts';
import { formatTrailLine, type TrailLine } from './trail-lines.ts';

type Work = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'file'; readonly path: string };

export class TrailWriter {
  #handle: FileHandle;
  #offset: number;
  #syncedOffset: number;
  #queue: Work[] = [];
  #waitingBytes = 0;
  #working: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(handle: FileHandle, offset: number) {
    this.#handle = handle;
    this.#offset = offset;
    this.#syncedOffset = offset;
  }

  /** Goes on after so many bytes of a file; what is behind them is cut off. Throws what the file system throws. */
  static async open(path: string, offset: number): Promise<TrailWriter> {
    return new TrailWriter(await openFile(path, offset), offset);
  }

  /** Bytes that the file has or will have. */
  get bytes(): number {
    return this.#offset + this.#waitingBytes;
  }

  /** Bytes that are not written yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Written within a moment, without anybody waiting for it: what comes meanwhile goes together.
   * @param isUrgent false: with whatever comes next
   */
  append(line: TrailLine, isUrgent = true): void {
    const text = formatTrailLine(line);
    this.#queue.push({ kind: 'text', text });
    this.#waitingBytes += text.length;
    if (!isUrgent) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#work().catch(() => undefined);
    }, LIMITS.auditWriteMs).unref();
  }

  /** What is appended from now on goes into another file. */
  goOnIn(path: string): void {
    this.#queue.push({ kind: 'file', path });
  }

  /** Resolves when all that was appended is written, and with `durable` when it would survive a power cut. */
  async written(options: { durable: boolean }): Promise<void> {
    await this.#work();
    if (options.durable) await this.#sync();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#work().catch(() => undefined);
    await this.#syncing?.catch(() => undefined);
    await this.#handle.close();
  }

  #work(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return (this.#working ??= this.#workAll());
  }

  async #workAll(): Promise<void> {
    try {
      for (let [next] = this.#queue; next !== undefined; [next] = this.#queue) {
        if (next.kind === 'file') await this.#openNext(next.path);
        else await this.#write();
      }
    } finally {
      // At once, so that whoever appends after the last look finds nobody at work.
      this.#working = undefined;
    }
  }

  async #openNext(path: string): Promise<void> {
    // It is whole before the next begins.
    await this.#sync();
    const handle = await openFile(path, 0);
    await this.#handle.close();
    this.#handle = handle;
    this.#offset = 0;
    this.#syncedOffset = 0;
    this.#queue.shift();
  }

  /** All lines up to the next change of files. */
  async #write(): Promise<void> {
    const end = this.#queue.findIndex(({ kind }) => kind === 'file');
    const batch = this.#queue.slice(0, end < 0 ? undefined : end);
    const bytes = Buffer.from(batch.map((work) => (work.kind === 'text' ? work.text : '')).join(''), 'latin1');
    try {
      for (let at = 0; at < bytes.length;)
        at += (await this.#handle.write(bytes, at, bytes.length - at, this.#offset + at)).bytesWritten;
    } catch (error) {
      // Half a line is worth nothing to who reads the file meanwhile.
      await this.#handle.truncate(this.#offset).catch(() => undefined);
      throw error;
    }
    this.#offset += bytes.length;
    this.#waitingBytes -= bytes.length;
    this.#queue.splice(0, batch.length);
  }

  /** Whoever comes while one is under way shares the next. */
  async #sync(): Promise<void> {
    await this.#syncing?.catch(() => undefined);
    const target = this.#offset;
    if (this.#syncedOffset >= target) return;
    this.#syncing ??= this.#handle
      .datasync()
      .then(() => void (this.#syncedOffset = target))
      .finally(() => (this.#syncing = undefined));
    await this.#syncing;
  }
}

/** A new file's name is durable only when its folder is. */
async function openFile(path: string, offset: number): Promise<FileHandle> {
  const handle = await open(path, offset === 0 ? 'w' : 'r+', 0o600);
  try {
    if (offset > 0) await handle.truncate(offset);
    else {
      const folder = await open(dirname(path), 'r');
      await folder.sync().finally(() => folder.close());
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
