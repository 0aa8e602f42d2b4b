/**
 * The processes of an embedded fleet, told by a mark in the environment they were started with: pids are used again,
 * marks aren't. Whatever they started carries it too, so `dev down` leaves nothing behind and touches nothing else.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** For the bus and the agents. */
export const FLEET_VARIABLE = 'FLEET_EMBEDDED';
/** For a node's own processes: all that its agent sees. */
export const NODE_VARIABLE = 'FLEET_EMBEDDED_NODE';

export const nodeMark = (mark: string, node: string): string => `${mark}/${node}`;

/** How long processes get to end by themselves. An agent drains for five seconds at most. */
const END_PATIENCE_MS = 8_000;
const LOOK_EVERY_MS = 25;

export function isMarked(pid: number, mark: string): boolean {
  let environment: string;
  try {
    environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return false;
  }
  return environment
    .split('\0')
    .some((entry) => entry === `${FLEET_VARIABLE}=${mark}` || entry.startsWith(`${NODE_VARIABLE}=${mark}/`));
}

function findMarked(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isMarked(pid, mark));
}

/** Ends all of them, those named last when the others have gone. Returns how many there were. */
export async function endMarked(mark: string, last: readonly number[] = []): Promise<number> {
  const first = findMarked(mark).filter((pid) => !last.includes(pid));
  await endAll(first, () => findMarked(mark).filter((pid) => !last.includes(pid)));
  const rest = findMarked(mark);
  await endAll(rest, () => findMarked(mark));
  return first.length + rest.length;
}

/** Asks them to end, waits, then doesn't ask any more. */
async function endAll(found: readonly number[], find: () => number[]): Promise<void> {
  for (const pid of found) signal(pid, 'SIGTERM');
  // A stopped process takes TERM only once it's continued.
  for (const pid of found) signal(pid, 'SIGCONT');
  const giveUpAt = performance.now() + END_PATIENCE_MS;
  let left = found;
  while (left.length > 0) {
    await delay(LOOK_EVERY_MS);
    left = find();
    if (performance.now() > giveUpAt) for (const pid of left) signal(pid, 'SIGKILL');
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
