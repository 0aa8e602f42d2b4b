/**
 * One target in a thread of its own, watched: an input that never comes back, or that uses up the thread's memory, is
 * known although the thread can't tell any more.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Failure, FuzzOutcome } from './fuzz.ts';

/** Memory of the thread: far above what any target needs, far below what a machine has. */
const HEAP_MB = 256;
/** One input that takes longer hangs: the slowest takes a hundredth of it on a busy machine. */
const HANG_MS = 20_000;
const WATCH_MS = 500;

export interface RunOptions {
  readonly target: string;
  readonly maxBytes: number;
  readonly seconds: number;
  readonly seed: number;
  readonly stored: readonly Uint8Array[];
  /** Where the bundles are. */
  readonly folder: string;
  /** @default 20 s */
  readonly hangMs?: number;
  /** @default 256 */
  readonly heapMb?: number;
}

export interface Report extends FuzzOutcome {
  readonly coverage: { readonly reached: number; readonly of: number };
}

/** What the thread is given. */
export interface WorkerOptions extends Omit<RunOptions, 'maxBytes' | 'hangMs' | 'heapMb'> {
  /** Two numbers (runs so far, length of the input) and the input. */
  readonly shared: SharedArrayBuffer;
}

export const SHARED_HEADER_BYTES = 8;

/** The report of the thread, or the input that ended it. */
export function runWatched({
  maxBytes,
  hangMs = HANG_MS,
  heapMb = HEAP_MB,
  ...options
}: RunOptions): Promise<Report | Failure> {
  const shared = new SharedArrayBuffer(SHARED_HEADER_BYTES + maxBytes);
  const header = new Int32Array(shared, 0, 2);
  const current = (): Uint8Array =>
    Uint8Array.from(new Uint8Array(shared, SHARED_HEADER_BYTES, Math.min(header[1] ?? 0, maxBytes)));
  const workerData: WorkerOptions = { ...options, shared };
  const worker = new Worker(join(options.folder, 'worker.js'), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
  return new Promise((resolve, reject) => {
    let runs = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      if (header[0] !== runs) [runs, since] = [header[0] ?? 0, performance.now()];
      else if (runs > 0 && performance.now() - since > hangMs)
        settle({ input: current(), what: `did not end within ${hangMs} ms` });
    }, WATCH_MS);
    const settle = (outcome: Report | Failure | Error): void => {
      clearInterval(watch);
      void worker.terminate();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    worker.once('message', settle);
    worker.once('error', (error: Error & { code?: string }) =>
      settle(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? { input: current(), what: `needs more than ${heapMb} MB of memory, by itself or with those before it` }
          : error,
      ),
    );
  });
}
