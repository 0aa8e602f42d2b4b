/** The dispatch of commands, in several processes that take turns: each compiles and places its code anew. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DispatchTimes } from './dispatch.ts';
import type { Measurement } from './measurement.ts';
import type { Programs } from './programs.ts';
import { summarize } from './statistics.ts';

const RUNS = 5;

export async function measureDispatch({ self, path }: Programs, signal: AbortSignal): Promise<Measurement[]> {
  const bare: DispatchTimes[] = [];
  const whole: DispatchTimes[] = [];
  for (let run = 0; run < RUNS; run++) {
    bare.push(await timeInProcess('--dispatch'));
    whole.push(await timeInProcess('--dispatch-and-write'));
  }
  return [
    rowOf('verify, filter and dispatch', bare, 'dispatch', 1.3),
    rowOf('… with its lines in log and journal', whole, 'dispatch'),
    rowOf('… and until the answer is sent', whole, 'answer'),
  ];

  async function timeInProcess(part: string): Promise<DispatchTimes> {
    const { stdout } = await promisify(execFile)(process.execPath, [self, part], { env: { PATH: path }, signal });
    return JSON.parse(stdout) as DispatchTimes;
  }
}

/** The ratio is taken within each process, and then the median of these. */
function rowOf(what: string, runs: readonly DispatchTimes[], which: 'dispatch' | 'answer', most?: number): Measurement {
  return {
    what,
    value: summarize(runs.map((run) => run[which])),
    unit: 'µs',
    baseline: { what: 'Ed25519 verify alone', value: summarize(runs.map((run) => run.verify)) },
    ratio: summarize(runs.map((run) => run[which] / run.verify)).median,
    ...(most === undefined ? {} : { goal: { of: 'ratio' as const, most } }),
  };
}
