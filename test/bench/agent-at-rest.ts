/** Memory and processor time of agents that have nothing to do, beside a Node.js that never had. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { compared, type Measurement } from './measurement.ts';
import { summarize } from './statistics.ts';

/** After the last command: longer than V8 takes to tidy up by itself. */
const SETTLE_MS = 30_000;
const WINDOW_MS = 20_000;
/** USER_HZ, which Linux never shows as anything else. */
const TICK_MS = 10;
const EMPTY_PROCESSES = 3;

export async function measureAgentsAtRest(fleet: EmbeddedFleet, signal: AbortSignal): Promise<Measurement[]> {
  const empty = Array.from({ length: EMPTY_PROCESSES }, () =>
    spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e9)'], { env: fleet.marked, stdio: 'ignore' }),
  );
  try {
    for (const command of [['ping'], ['facts', 'os'], ['exec', '--all', '--', 'true']]) await fleet.run(...command);
    await delay(SETTLE_MS, undefined, { signal });
    const pids = fleet.agents.map(({ pid }) => pid);
    const before = pids.map(ticksOf);
    await delay(WINDOW_MS, undefined, { signal });
    const busy = pids.map((pid, index) => ((ticksOf(pid) - (before[index] ?? 0)) * TICK_MS * 100) / WINDOW_MS);
    return [
      compared({
        what: 'agent at rest, resident',
        value: summarize(pids.map(residentMiB)),
        unit: 'MiB',
        baseline: { what: 'empty Node.js', value: summarize(empty.map(({ pid }) => residentMiB(pid ?? 0))) },
        goal: { of: 'ratio', most: 1.6 },
      }),
      {
        what: 'agent at rest, of a core',
        value: summarize(busy),
        unit: '%',
        // Two ticks of the kernel's clock in 20 s: what can't be told from none.
        goal: { of: 'median', most: 0.1 },
      },
    ];
  } finally {
    await Promise.all(
      empty.map(async (child) => {
        const ended = once(child, 'exit');
        child.kill();
        await ended;
      }),
    );
  }
}

/** User and system time; fields 14 and 15, after a name that may hold anything. */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
