/** How long the command line takes, from the start of its process to its end, beside a Node.js that does nothing. */
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { compared, type Measurement } from './measurement.ts';
import type { Programs } from './programs.ts';
import { inTurns, summarize } from './statistics.ts';
import { timeNode } from './timed-process.ts';

const RUNS = 25;

export async function measureStartTimes(
  { fleet: program }: Programs,
  { env }: EmbeddedFleet,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const cases = {
    nothing: () => timeNode({ args: ['-e', '0'], env }),
    version: () => timeNode({ args: [program, '--version'], env }),
    // Exit code 0: all six have answered.
    ping: () => timeNode({ args: [program, 'ping'], env }),
  };
  // Files that nobody has read yet would be measured otherwise.
  await inTurns(1, cases, signal);
  const { nothing, version, ping } = await inTurns(RUNS, cases, signal);
  const baseline = { what: 'node -e 0', value: summarize(nothing) };
  return [
    compared({
      what: 'fleet --version',
      value: summarize(version),
      unit: 'ms',
      baseline,
      goal: { of: 'ratio', most: 1.5 },
    }),
    compared({
      what: 'fleet ping, six nodes',
      value: summarize(ping),
      unit: 'ms',
      baseline,
      goal: { of: 'ratio', most: 4 },
    }),
  ];
}
