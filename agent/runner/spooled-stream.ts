/**
 * One output stream of a program on its way to the disk. From the first byte that there is no room for, what follows is
 * only counted, and the program goes on. The digest is of all before that, whether anybody wants to have it or not.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { LIMITS } from '../../shared/limits.ts';
import type { OutputStream } from '../../shared/wire/result.ts';
import { segmentPath } from '../spool/segments.ts';
import type { Streams } from './messages.ts';
import type { SpoolRoom } from './spool-room.ts';

interface Segment {
  readonly start: number;
  bytes: number;
}

export interface SpooledStreamOptions {
  readonly run: string;
  readonly folder: string;
  readonly stream: OutputStream;
}

export class SpooledStream {
  readonly #options: SpooledStreamOptions;
  readonly #room: SpoolRoom;
  readonly #hash = createHash('sha256');
  /** In order; the last one is open while `#file` is. */
  #segments: Segment[] = [];
  #file: number | undefined;
  /** All that there was room for. */
  #bytes = 0;
  #droppedBytes = 0;
  /** On the disk, or let go of. */
  #keptBytes = 0;
  #releasedBytes = 0;
  #isUnwanted = false;

  constructor(options: SpooledStreamOptions, room: SpoolRoom) {
    this.#options = options;
    this.#room = room;
  }

  get state(): Streams[OutputStream] {
    return { bytes: this.#keptBytes, droppedBytes: this.#droppedBytes, releasedBytes: this.#releasedBytes };
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const kept = this.#droppedBytes > 0 ? 0 : this.#isUnwanted ? bytes.length : this.#keep(bytes);
    this.#hash.update(bytes.subarray(0, kept));
    this.#bytes += kept;
    this.#droppedBytes += bytes.length - kept;
    if (kept < bytes.length) this.#closeFile();
  }

  /** Nothing more comes. */
  end(): { bytes: number; sha256: string; droppedBytes: number; keptBytes: number } {
    this.#closeFile();
    const [bytes, droppedBytes, keptBytes] = [this.#bytes, this.#droppedBytes, this.#keptBytes];
    return { bytes, sha256: this.#hash.digest('hex'), droppedBytes, keptBytes };
  }

  /** Lets go of what lies before an offset, as far as whole files do; all of it: nothing more is kept. */
  release(offset: number): void {
    if (offset > this.#keptBytes) {
      this.#isUnwanted = true;
      this.#closeFile();
    }
    this.#releasedBytes = Math.max(this.#releasedBytes, Math.min(offset, this.#keptBytes));
    this.#drop(({ start, bytes }) => start + bytes <= offset);
  }

  /** What was last written before then goes: nobody fetched it. */
  expire(before: number): void {
    const { folder, stream } = this.#options;
    this.#drop(({ start }) => {
      const stat = statSync(segmentPath(folder, stream, start), { throwIfNoEntry: false });
      return stat === undefined || stat.mtimeMs < before;
    });
  }

  #drop(isOver: (segment: Segment) => boolean): void {
    const { folder, run, stream } = this.#options;
    this.#segments = this.#segments.filter((segment) => {
      const isOpen = this.#file !== undefined && segment === this.#segments.at(-1);
      if (isOpen || !isOver(segment)) return true;
      rmSync(segmentPath(folder, stream, segment.start), { force: true });
      this.#room.add(run, -segment.bytes);
      return false;
    });
  }

  /** @returns how many bytes, from the first on, are on the disk now */
  #keep(bytes: Uint8Array): number {
    if (!this.#room.hasRoomFor(bytes.length)) return 0;
    let kept = 0;
    try {
      const { file, segment } = this.#openFile();
      while (kept < bytes.length) {
        const written = writeSync(file, bytes, kept);
        kept += written;
        segment.bytes += written;
        this.#keptBytes += written;
        this.#room.add(this.#options.run, written);
      }
      if (segment.bytes >= LIMITS.spoolSegmentBytes) this.#closeFile();
    } catch {
      // No room after all, or no disk: what follows is dropped, and counted.
    }
    return kept;
  }

  #openFile(): { file: number; segment: Segment } {
    let segment = this.#segments.at(-1);
    if (this.#file === undefined || segment === undefined) {
      const { folder, stream } = this.#options;
      segment = { start: this.#keptBytes, bytes: 0 };
      this.#file = openSync(segmentPath(folder, stream, segment.start), 'w', 0o600);
      this.#segments.push(segment);
    }
    return { file: this.#file, segment };
  }

  #closeFile(): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    try {
      closeSync(file);
    } catch {
      // A disk that is full or broken may say so only now.
    }
  }
}
