/** What policy and audit trail add to a command, in several processes: each compiles and places its code anew. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compared, type Measurement } from './measurement.ts';
import type { PolicyAndAuditTimes, VariantTimes } from './policy-and-audit.ts';
import type { Programs } from './programs.ts';
import { summarize } from './statistics.ts';

const RUNS = 3;
/** What may be added to a command, in microseconds of CPU. */
const MOST_ADDED = 200;

export async function measurePolicyAndAudit({ self, path }: Programs, signal: AbortSignal): Promise<Measurement[]> {
  const runs: PolicyAndAuditTimes[] = [];
  for (let run = 0; run < RUNS; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, [self, '--policy-and-audit'], {
      env: { PATH: path },
      signal,
    });
    runs.push(JSON.parse(stdout) as PolicyAndAuditTimes);
  }
  const reads = runs.map((run) => run.reads);
  const changes = runs.map((run) => run.changes);
  return [
    whole('a command that reads, with policy and audit', reads, 'both'),
    added('… what they add, CPU', reads, 'both', MOST_ADDED),
    added('… to one that has its batch for itself', reads, 'alone'),
    whole('one that changes something', changes, 'both'),
    added('… what they add, CPU', changes, 'both', MOST_ADDED),
  ];
}

function whole(what: string, runs: readonly VariantTimes[], which: 'both' | 'alone'): Measurement {
  const baseline = { what: 'without them', value: summarize(runs.map(({ bare }) => bare)) };
  return compared({ what, value: summarize(runs.map((run) => run[which])), unit: 'µs', baseline });
}

function added(what: string, runs: readonly VariantTimes[], which: 'both' | 'alone', most?: number): Measurement {
  return {
    what,
    value: summarize(runs.map((run) => run[which] - run.bare)),
    unit: 'µs',
    ...(most === undefined ? {} : { goal: { of: 'median' as const, most } }),
  };
}
