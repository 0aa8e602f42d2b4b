/** How long an agent takes from the start of its process until it says that it's ready: connected and subscribed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { waitFor } from '../support/wait-for.ts';
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { compared, type Measurement } from './measurement.ts';
import type { Programs } from './programs.ts';
import { inTurns, summarize } from './statistics.ts';
import { timeNode } from './timed-process.ts';

const RUNS = 15;

/** Takes the first node's own agent out of the fleet: two with one identity would be in each other's way. */
export async function measureAgentStart(
  { agent: program }: Programs,
  fleet: EmbeddedFleet,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const [first] = fleet.agents;
  if (first === undefined) throw new Error('the fleet has no node');
  process.kill(first.pid, 'SIGTERM');
  await waitFor(() => !existsSync(`/proc/${first.pid}`), { what: `the agent of ${first.name} to end`, signal });
  const env = fleet.marked;
  const { nothing, ready } = await inTurns(
    RUNS,
    { nothing: () => timeNode({ args: ['-e', '0'], env }), ready: () => timeReady(program, first.config, env) },
    signal,
  );
  return [
    compared({
      what: 'agent ready',
      value: summarize(ready),
      unit: 'ms',
      baseline: { what: 'node -e 0', value: summarize(nothing) },
      goal: { of: 'median', most: 500 },
    }),
  ];
}

async function timeReady(program: string, config: string, env: Readonly<Record<string, string>>): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [program, '--config', config], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  try {
    for await (const line of createInterface(child.stdout))
      if ((JSON.parse(line) as { msg: string }).msg === 'ready') return performance.now() - started;
    throw new Error('the agent ended before it was ready');
  } finally {
    child.stdout.resume();
    child.kill();
    await ended;
  }
}
