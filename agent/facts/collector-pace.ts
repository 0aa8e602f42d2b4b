/** When each collector runs: at its own pace, jittered, with one timer for all; and when facts.d is looked at again. */
import { LIMITS } from '../../shared/limits.ts';
import type { FactEntries } from './fact-entries.ts';
import type { FactEntry } from './fact-entry.ts';
import type { FolderScan } from './facts-folder.ts';
import type { Scheduler } from './scheduler.ts';

export interface PaceDependencies {
  readonly monotonic: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly scheduler: Scheduler;
  /** From 0 to 1: a thousand agents that were started together shouldn't collect together for ever. */
  readonly random: () => number;
  readonly scanFolder: () => Promise<FolderScan>;
  /** The files of facts.d, or what is wrong with them, are others than before. */
  readonly scanned: (scan: FolderScan) => void;
}

const FOLDER_SCAN_MS = 60_000;
/** Of the pace, to both sides. */
const JITTER = 0.1;

export class CollectorPace {
  readonly #entries: FactEntries;
  readonly #dependencies: PaceDependencies;
  #isRunning = false;
  #isScanned = false;
  #problems = '[]';
  #scanDueAt = 0;
  #scanning: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(entries: FactEntries, dependencies: PaceDependencies) {
    this.#entries = entries;
    this.#dependencies = dependencies;
  }

  /** Whether facts.d was listed once. */
  get isScanned(): boolean {
    return this.#isScanned;
  }

  start(): void {
    this.#isRunning = true;
    this.#scanDueAt = this.#dependencies.monotonic();
    this.#runDue();
  }

  /** Waits for a listing that is under way, so that nothing happens after it. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancelTimer?.();
    await this.#scanning;
  }

  /** Collects now, or joins the collection under way; sets when the next is due. */
  async collect(entry: FactEntry): Promise<void> {
    entry.dueAt = Infinity;
    await entry.collect();
    const { refreshMs } = entry.collector;
    const pace = entry.error === undefined ? refreshMs : Math.min(refreshMs, LIMITS.factRetryMs);
    entry.dueAt = this.#jittered(pace);
    this.#schedule();
  }

  /** Lists facts.d, or joins the listing under way. New and changed files are collected by the next tick, which is at once. */
  scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  async #scan(): Promise<void> {
    const { scanFolder, scanned, now } = this.#dependencies;
    this.#scanDueAt = Infinity;
    const scan = await scanFolder();
    this.#isScanned = true;
    this.#scanDueAt = this.#jittered(FOLDER_SCAN_MS);
    const problems = JSON.stringify(scan.problems);
    const isOther = this.#entries.takeFolder(scan.collectors, now()) || problems !== this.#problems;
    this.#problems = problems;
    if (isOther) scanned(scan);
    this.#runDue();
  }

  #runDue(): void {
    if (!this.#isRunning) return;
    const now = this.#dependencies.monotonic();
    if (this.#scanDueAt <= now) void this.scan();
    for (const entry of this.#entries.all) {
      if (entry.dueAt <= now) void this.collect(entry);
    }
    this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#isRunning) return;
    const dueAt = Math.min(this.#scanDueAt, ...this.#entries.all.map((entry) => entry.dueAt));
    if (dueAt === Infinity) return;
    const delayMs = Math.max(0, dueAt - this.#dependencies.monotonic());
    this.#cancelTimer = this.#dependencies.scheduler.after(delayMs, () => this.#runDue());
  }

  #jittered(delayMs: number): number {
    const factor = 1 - JITTER + 2 * JITTER * this.#dependencies.random();
    return this.#dependencies.monotonic() + delayMs * factor;
  }
}
