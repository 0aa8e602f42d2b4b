/**
 * What is to be said of a program whose runner is gone, from what that has left on the disk; and the processes that go on
 * without it.
 */
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { OutputStream } from '../../shared/wire/result.ts';
import type { Clock } from '../../shared/clock.ts';
import { BoundedOutput, type KeptOutput } from '../process/bounded-output.ts';
import { endTree } from '../process/end-tree.ts';
import { RUN_VARIABLE } from '../process/environment.ts';
import { hasVariable, readEach } from '../process/proc-files.ts';
import { isAlive, listPids, readStat, type ProcessStat } from '../process/proc-stat.ts';
import { describeExit } from '../process/program-outcome.ts';
import type { Streams } from '../runner/messages.ts';
import { readRunRecord, type Ended, type RunRecord } from './run-record.ts';
import { measureSegments, readSegments } from './segments.ts';

const READ_BYTES = 256 * 1024;

export const REBOOTED = 'the machine was restarted while it ran';
const RUNNER_GONE =
  'the process that looked after the program was killed, so how it ended is not known; it may have run on';

/** What of its output is there. */
export function streamsOnDisk(folder: string, ended: Ended | undefined): Streams {
  const stream = (name: OutputStream): Streams[OutputStream] => {
    const { from, end } = measureSegments(folder, name);
    const { droppedBytes = 0, keptBytes: bytes = end ?? 0 } = ended?.streams?.[name] ?? {};
    return { bytes, droppedBytes, releasedBytes: from ?? bytes };
  };
  return { stdout: stream('stdout'), stderr: stream('stderr') };
}

/** How a program ended of which only its beginning was written down. */
export async function endWithoutRunner(
  folder: string,
  { begun, started }: Pick<RunRecord, 'begun' | 'started'>,
  why: 'rebooted' | 'runner-gone',
  now: number,
): Promise<Ended> {
  const times = { started: begun?.at ?? now, ended: now };
  const data = await readOutput(folder);
  if (why === 'rebooted')
    return { type: 'ended', ...times, outcome: { state: 'failed', code: 'rebooted', reason: REBOOTED, data } };
  const isThere = started !== undefined && isAlive(started);
  const reason = `${RUNNER_GONE}${isThere ? `: it is still there, as process ${started.pid}` : ''}`;
  return { type: 'ended', ...times, outcome: { state: 'lost', code: 'cannot-know', reason, data } };
}

/** The process that was written down, while it is there. */
export async function recordedProcess(folder: string): Promise<ProcessStat | undefined> {
  const record = await readRunRecord(folder);
  if (record?.started === undefined || record.ended !== undefined || !isAlive(record.started)) return undefined;
  return readStat(record.started.pid);
}

/** The program itself, or the oldest that bears its mark. Undefined where nothing of it is there. */
export async function findLeft(folder: string, run: string): Promise<ProcessStat | undefined> {
  const recorded = await recordedProcess(folder);
  if (recorded !== undefined) return recorded;
  const marked: ProcessStat[] = [];
  const there = listPids()
    .map(readStat)
    .filter((stat) => stat !== undefined)
    .filter((stat) => !stat.ended && !stat.kernel);
  await readEach(there, async (stat) => {
    if ((await hasVariable(stat.pid, RUN_VARIABLE, run)) === true) marked.push(stat);
  });
  return marked.toSorted((a, b) => a.start - b.start)[0];
}

/** Ends what is left. @returns process ids of what is still there then; undefined where there was nothing */
export async function endLeft(
  folder: string,
  run: string,
  { clock, graceMs }: { clock: Clock; graceMs: number },
): Promise<number[] | undefined> {
  const root = await findLeft(folder, run);
  return root && (await endTree({ root, run }, graceMs, clock)).map(({ pid }) => pid);
}

async function readOutput(folder: string): Promise<ProgramOutcome> {
  const [stdout, stderr] = await Promise.all([readStream(folder, 'stdout'), readStream(folder, 'stderr')]);
  return describeExit({ exit: null, signal: null }, stdout, stderr);
}

async function readStream(folder: string, stream: OutputStream): Promise<KeptOutput> {
  const output = new BoundedOutput(LIMITS.outputBytes);
  for (let offset = measureSegments(folder, stream).from ?? 0; ;) {
    const bytes = await readSegments(folder, stream, offset, READ_BYTES);
    if (bytes.length === 0) return output.read();
    output.write(Buffer.from(bytes));
    offset += bytes.length;
  }
}
