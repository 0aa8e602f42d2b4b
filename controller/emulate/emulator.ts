/** Holds emulated nodes in processes of their own, some to each, and knows how far they are. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { EmulationReport, type EmulationOrders } from '../../shared/emulate.ts';
import { SettingsError } from '../../shared/errors.ts';
import { assertEnoughFiles, openFilesLimit } from './open-files.ts';

export interface EmulatorOptions extends Omit<EmulationOrders, 'names'> {
  readonly count: number;
  /** Names are this and a number. */
  readonly prefix: string;
  /** Processes that hold them. */
  readonly workers: number;
  /** The agent's program file. */
  readonly agentProgram: string;
  /** All that the processes get of an environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: EmulatorProgress) => void;
  readonly onFailed?: (node: string, reason: string) => void;
}

export interface EmulatorProgress {
  readonly count: number;
  readonly joined: number;
  readonly ready: number;
  readonly failed: number;
}

/** Numbers in names have so many digits, however many nodes there are: a larger emulation has the same names, and more. */
const DIGITS = 5;

export class Emulator {
  readonly #options: EmulatorOptions;
  readonly #children: ChildProcess[] = [];
  readonly #progress: { joined: number; ready: number; failed: number }[] = [];
  #changed: () => void = () => undefined;

  private constructor(options: EmulatorOptions) {
    this.#options = options;
  }

  /** Resolves when the processes have their orders. @throws SettingsError `too-few-files`, `not-started` */
  static async start(options: EmulatorOptions): Promise<Emulator> {
    const { count, workers } = options;
    const used = Math.min(workers, count);
    assertEnoughFiles(Math.ceil(count / used), openFilesLimit());
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const emulator = new Emulator(options);
    try {
      for (let at = 0, first = 0; at < used; at++) {
        const own = Math.floor(count / used) + (at < count % used ? 1 : 0);
        await emulator.#startWorker(at, first, own);
        first += own;
      }
    } catch (error) {
      await emulator.stop();
      throw error;
    }
    return emulator;
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  get progress(): EmulatorProgress {
    const sum = (what: 'joined' | 'ready' | 'failed'): number =>
      this.#progress.reduce((all, one) => all + one[what], 0);
    return { count: this.#options.count, joined: sum('joined'), ready: sum('ready'), failed: sum('failed') };
  }

  /** Resolves when each node is ready, or has failed, or the signal says to stop waiting. @throws SettingsError `worker-ended` */
  async ready(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#changed(), { once: true });
    for (;;) {
      const { count, ready, failed } = this.progress;
      if (signal.aborted || ready + failed >= count) return;
      const ended = this.#children.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
      if (ended !== undefined)
        throw new SettingsError(`a process that holds nodes has ended (${ended.signalCode ?? ended.exitCode})`, {
          code: 'worker-ended',
          hint: `Its log is in ${this.#options.folder}.`,
        });
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  /** Resolves when one of the processes has ended. */
  async anyEnded(): Promise<void> {
    await Promise.race(this.#children.map((child) => once(child, 'exit')));
  }

  /** They go on without this process. */
  leave(): void {
    for (const child of this.#children) {
      child.disconnect();
      child.unref();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      }),
    );
  }

  async #startWorker(at: number, first: number, own: number): Promise<void> {
    const { agentProgram, count: _, prefix, workers: __, env, onProgress, onFailed, ...orders } = this.#options;
    const log = openSync(join(orders.folder, `worker-${at + 1}.log`), 'a', 0o600);
    const child = spawn(process.execPath, [agentProgram, 'emulate'], {
      env,
      detached: orders.isDetached,
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const progress = { joined: 0, ready: 0, failed: 0 };
    this.#children.push(child);
    this.#progress.push(progress);
    child.on('exit', () => this.#changed());
    child.on('message', (message: unknown) => {
      const report = EmulationReport.parse(message);
      if (report.type === 'waiting') {
        const names = { prefix, digits: DIGITS, first: first + 1, count: own };
        return void child.send({ ...orders, names } satisfies EmulationOrders);
      }
      if (report.type === 'progress') Object.assign(progress, { joined: report.joined, ready: report.ready });
      else {
        progress.failed++;
        onFailed?.(report.node, report.reason);
      }
      onProgress?.(this.progress);
      this.#changed();
    });
    await once(child, 'spawn').catch((cause: unknown) => {
      throw new SettingsError(`${agentProgram} can't be started`, { code: 'not-started', cause });
    });
  }
}
