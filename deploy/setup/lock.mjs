/**
 * One set-up at a time in a checkout. The lock is a file that names the process that holds it, and the programs that
 * this one started; when all of them are gone (killed, or the machine restarted) it is taken over.
 */
import { appendFile, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { say } from './run.mjs';

const POLL_MS = 200;

/**
 * @template T
 * @param {string} path
 * @param {(started: import('./run.mjs').Started) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, work) {
  await mkdir(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}`;
  // Linked into place, so that nobody ever reads a lock that doesn't name its holder yet.
  await writeFile(mine, await lineOf(process.pid));
  try {
    await acquire(path, mine);
    try {
      return await work(async (pid) => appendFile(mine, await lineOf(pid)));
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** @param {string} path @param {string} mine */
async function acquire(path, mine) {
  let said = false;
  while (!(await linked(mine, path))) {
    const holders = await textOf(path);
    if (holders === undefined) continue;
    const running = await firstRunning(holders);
    if (running === undefined) {
      await takeAway(path, holders);
      continue;
    }
    if (!said) say(`waiting for another set-up, process ${running}`);
    said = true;
    await delay(POLL_MS);
  }
}

/**
 * Removes a lock whose holders are dead. Between reading it and moving it away another set-up may have done the same and put
 * its own there: then that one goes back.
 * @param {string} path @param {string} holders
 */
async function takeAway(path, holders) {
  const aside = `${path}.${process.pid}.old`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await textOf(aside)) !== holders) await linked(aside, path);
  await rm(aside, { force: true });
  const pid = Number(holders.split(' ')[0]);
  if (pid !== process.pid) await rm(`${path}.${pid}`, { force: true });
}

/** @param {string} from @param {string} to */
async function linked(from, to) {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} path */
async function textOf(path) {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string} holders One line each: pid, and when it started. */
async function firstRunning(holders) {
  for (const line of holders.split('\n').filter(Boolean)) {
    const [pid, start] = line.split(' ');
    if (isThere(Number(pid)) && (start === undefined || start === (await startOf(Number(pid))))) return pid;
  }
  return undefined;
}

/** @param {number} pid */
function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process: it runs.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** @param {number} pid */
async function lineOf(pid) {
  return `${[pid, await startOf(pid)].join(' ').trim()}\n`;
}

/**
 * When a process started, in ticks since boot: a number that was used again is another process. Linux only; elsewhere
 * the pid alone has to do.
 * @param {number} pid
 */
async function startOf(pid) {
  const stat = await textOf(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
