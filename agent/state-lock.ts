/**
 * One agent a state folder: two of them would run every command twice, and write over each other's replay memory.
 *
 * The lock is the file `lock.<n>` with the highest number, which says who holds it; held while that process is alive.
 * It's taken by linking `lock.<n + 1>`, which only one can, and the highest is never removed: who looked at an older
 * one finds the newer when it looks once more, after its own link. A holder that was killed needs no cleaning up.
 */
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SettingsError } from '../shared/errors.ts';
import { isAlive, readStat } from './process/proc-stat.ts';

export interface StateLockOptions {
  readonly stateDir: string;
  /** Changes when the machine boots: pids and times of start begin anew. */
  readonly bootId: string;
}

const Holder = z.strictObject({
  pid: z.number().int().positive(),
  bootId: z.string(),
  /** In ticks since boot; with the pid it is one process and no other. Absent where there is no /proc. */
  start: z.number().optional(),
});
type Holder = z.infer<typeof Holder>;

const PREFIX = 'lock.';

export class StateLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws SettingsError `state-in-use`; what the file system throws */
  static async take(options: StateLockOptions): Promise<StateLock> {
    const { stateDir, bootId } = options;
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const start = readStat(process.pid)?.start;
    const self: Holder = { pid: process.pid, bootId, ...(start === undefined ? {} : { start }) };
    const draft = join(stateDir, `draft.${process.pid}.${crypto.randomUUID()}`);
    await writeFile(draft, `${JSON.stringify(self)}\n`, { mode: 0o600, flag: 'wx' });
    try {
      for (;;) {
        const highest = Math.max(0, ...(await numbersIn(stateDir)));
        await assertFree(stateDir, highest, bootId);
        const own = highest + 1;
        const path = pathOf(stateDir, own);
        if (!(await linkNew(draft, path))) continue;
        const others = (await numbersIn(stateDir)).filter((number) => number !== own);
        if (others.every((number) => number < own)) {
          for (const older of others) await rm(pathOf(stateDir, older), { force: true });
          return new StateLock(path);
        }
        // The number was free because a newer one is there, and the older ones have gone.
        await rm(path, { force: true });
      }
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** For a folder that is used again by the same process; a process that ends needn't. */
  async release(): Promise<void> {
    const empty = `${this.#path}.released`;
    await writeFile(empty, '', { mode: 0o600 });
    await rename(empty, this.#path);
  }
}

const pathOf = (stateDir: string, number: number): string => join(stateDir, `${PREFIX}${number}`);

async function numbersIn(stateDir: string): Promise<number[]> {
  const names = await readdir(stateDir);
  return names.flatMap((name) => (/^lock\.\d{1,15}$/.test(name) ? [Number(name.slice(PREFIX.length))] : []));
}

async function assertFree(stateDir: string, number: number, bootId: string): Promise<void> {
  const pid = await holderOf(stateDir, number, bootId);
  if (pid === undefined) return;
  throw new SettingsError(`another agent uses the state folder ${stateDir}: process ${pid}`, {
    code: 'state-in-use',
    hint: 'Stop that one first, or give this one a stateDir and an identity of its own.',
  });
}

/** Process id of the agent that uses a state folder; undefined when there is none, or none that can be seen. */
export async function runningAgent({ stateDir, bootId }: StateLockOptions): Promise<number | undefined> {
  const numbers = await numbersIn(stateDir).catch(() => []);
  return holderOf(stateDir, Math.max(0, ...numbers), bootId);
}

async function holderOf(stateDir: string, number: number, bootId: string): Promise<number | undefined> {
  if (number === 0) return undefined;
  const text = await readFile(pathOf(stateDir, number), 'utf8').catch(() => '');
  const holder = parseHolder(text);
  return holder !== undefined && holder.bootId === bootId && isRunning(holder) ? holder.pid : undefined;
}

function parseHolder(text: string): Holder | undefined {
  try {
    return Holder.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function isRunning({ pid, start }: Holder): boolean {
  if (start !== undefined) return isAlive({ pid, start });
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** False when there is one of that name. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
