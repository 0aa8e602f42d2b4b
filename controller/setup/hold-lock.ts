/**
 * One writer at a time: a file that names the process which holds it, by pid and start time. A holder that is gone
 * (killed, or the machine restarted) is taken over from. Used for the folder of a fleet and for the embedded fleet.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SettingsError } from '../../shared/errors.ts';
import { systemClock } from '../../shared/clock.ts';

export interface LockOptions {
  /** Completes "waiting for …": who else may hold it. */
  readonly what: string;
  /** Told once, when somebody else holds it. */
  readonly onWait?: (line: string) => unknown;
  readonly signal?: AbortSignal;
  /** @default a minute and a half: the longest start of an embedded fleet, and some */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 90_000;
const LOOK_EVERY_MS = 25;

/** Does the work while holding the lock. @throws SettingsError `locked` when another one keeps it for too long. */
export async function holdLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const token = randomBytes(4).toString('hex');
  const mine = `${path}.${token}`;
  const holder = `${startOf(process.pid)} ${token}`;
  try {
    // Linked into place, so that nobody ever reads a lock that doesn't name its holder yet.
    writeFileSync(mine, holder, { mode: 0o600 });
    await acquire(path, mine, options);
    try {
      return await work();
    } finally {
      if (read(path) === holder) rmSync(path, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

async function acquire(path: string, mine: string, options: LockOptions): Promise<void> {
  const { what, onWait, signal, patienceMs = PATIENCE_MS } = options;
  const giveUpAt = systemClock.monotonic() + patienceMs;
  let isFirst = true;
  while (!tryLink(mine, path)) {
    signal?.throwIfAborted();
    const holder = read(path);
    if (holder === undefined) continue;
    const pid = Number(holder.split(' ')[0]);
    if (!holder.startsWith(`${startOf(pid)} `)) {
      takeAway(path, holder, mine);
      continue;
    }
    if (isFirst) onWait?.(`waiting for ${what}, process ${pid}`);
    isFirst = false;
    if (systemClock.monotonic() > giveUpAt)
      throw new SettingsError(`${what}, process ${pid}, doesn't come to its end`, {
        code: 'locked',
        hint: 'Try again when it has ended, or end it.',
      });
    await delay(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

/** Between reading a lock and moving it away another one may have taken over: then that one's goes back. */
function takeAway(path: string, holder: string, mine: string): void {
  const aside = `${mine}.old`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== holder) tryLink(aside, path);
  rmSync(aside, { force: true });
  rmSync(`${path}.${holder.split(' ')[2] ?? ''}`, { force: true });
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Pid and start time in ticks since boot: a pid that was used again is another process; `gone` for one that has ended. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  const [state = 'X', ...rest] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return `${pid} ${state === 'Z' || state === 'X' ? 'gone' : (rest[18] ?? '')}`;
}
