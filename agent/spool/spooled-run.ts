/** One program as the agent sees it: what it has written, and how it ended once the runner has said so. */
import { join } from 'node:path';
import { OUTPUT_STREAMS, type OutputStream } from '../../shared/wire/result.ts';
import type { OutputSource } from '../output/output-source.ts';
import { SPOOL_FOLDER, type Streams } from '../runner/messages.ts';
import type { Ended } from './run-record.ts';
import { readSegments, removeSegments } from './segments.ts';

export interface SpooledRunOptions {
  readonly run: string;
  readonly stateDir: string;
  /** Tells the runner, which has the files while the program runs. */
  readonly onRelease: (stream: OutputStream, offset: number) => void;
  /** Called when nothing of it is needed any more. */
  readonly onDone: () => void;
}

export class SpooledRun implements OutputSource {
  readonly run: string;
  readonly folder: string;
  /** @throws StillRunning */
  readonly ended: Promise<Ended>;
  readonly #options: SpooledRunOptions;
  readonly #listeners = new Set<() => void>();
  #settle: { resolve: (end: Ended) => void; reject: (error: Error) => void } | undefined;
  #state: OutputSource['state'] = { streams: NOTHING, isOver: false };
  #endedAt: number | undefined;
  /** Who wanted it has all of it. */
  readonly #handedOver = new Set<OutputStream>();
  #isAnswered = false;

  constructor(options: SpooledRunOptions) {
    this.run = options.run;
    this.folder = runFolder(options.stateDir, options.run);
    this.#options = options;
    this.ended = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Who waits for it hears of it.
    this.ended.catch(() => undefined);
  }

  get state(): OutputSource['state'] {
    return this.#state;
  }

  /** Whether it's known how it ended, or it's left to the next agent. */
  get isSettled(): boolean {
    return this.#settle === undefined;
  }

  read(stream: OutputStream, offset: number, maxBytes: number): Promise<Uint8Array> {
    return readSegments(this.folder, stream, offset, maxBytes);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  release(stream: OutputStream, offset: number): void {
    const isAll = offset === Infinity;
    if (!this.#state.isOver) this.#options.onRelease(stream, isAll ? Number.MAX_SAFE_INTEGER : offset);
    // What the runner has let go of itself by now.
    else if (!isAll) removeSegments(this.folder, stream, offset);
    if (!isAll) return;
    this.#handedOver.add(stream);
    this.#endIfDone();
  }

  /** Its final is kept. */
  answered(): void {
    this.#isAnswered = true;
    this.#endIfDone();
  }

  /** The runner says that there is more. */
  grow(streams: Streams): void {
    this.#change({ streams, isOver: this.#state.isOver });
  }

  end(end: Ended, streams: Streams): void {
    this.#endedAt = end.ended;
    this.#change({ streams, isOver: true });
    this.#settle?.resolve(end);
    this.#settle = undefined;
  }

  hasEndedBefore(moment: number): boolean {
    return this.#endedAt !== undefined && this.#endedAt < moment;
  }

  /** Its output has waited for too long: nobody gets it any more. */
  expire(): void {
    for (const stream of OUTPUT_STREAMS) {
      removeSegments(this.folder, stream, Infinity);
      this.#handedOver.add(stream);
    }
    this.#endIfDone();
  }

  /** Who waits, waits no longer. */
  abandon(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }

  #change(state: OutputSource['state']): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }

  #endIfDone(): void {
    if (this.#isAnswered && OUTPUT_STREAMS.every((stream) => this.#handedOver.has(stream))) this.#options.onDone();
  }
}

const NONE = { bytes: 0, droppedBytes: 0, releasedBytes: 0 };
const NOTHING: Streams = { stdout: NONE, stderr: NONE };

export const runFolder = (stateDir: string, run: string): string => join(stateDir, SPOOL_FOLDER, run);
