/** Reads the record of one job from the bus: its caller's frames, and what nodes answered, every word with its signature. */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, UsageError } from '../../shared/errors.ts';
import { toHex } from '../../shared/signing.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { JobFrame } from '../../shared/wire/job.ts';
import type { Result } from '../../shared/wire/result.ts';
import { Receiver } from '../receive.ts';
import type { JobTrust } from './job-trust.ts';
import { assembleFrames, messagesOf, viewJob, type JobFrames, type JobView } from './job-view.ts';
import { openFrame } from './open-frame.ts';

export interface JobReader {
  readonly fleet: string;
  /** Who reads. */
  readonly caller: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: JobTrust;
}

/**
 * @param check what else has to hold before answers are read
 * @throws UsageError `bad-job`, `no-such-job`; what `check` throws; TransportError
 */
export async function readJob(
  job: string,
  reader: JobReader,
  check: (frames: JobFrames) => void,
  signal?: AbortSignal,
): Promise<JobView> {
  const frames = await readFrames(job, reader, signal);
  check(frames);
  return viewFrames(frames, reader, signal);
}

/** With what nodes have answered so far. @throws TransportError */
export async function viewFrames(frames: JobFrames, reader: JobReader, signal?: AbortSignal): Promise<JobView> {
  const finals = await readFinals(frames, reader, signal);
  return viewJob(frames, finals, reader.clock.now());
}

/** @throws UsageError `bad-job`, `no-such-job`; TransportError */
export async function readFrames(job: string, reader: JobReader, signal?: AbortSignal): Promise<JobFrames> {
  if (!/^[0-9a-z]{1,40}$/.test(job))
    throw new UsageError(`"${job}" is not the id of a job`, { code: 'bad-job', hint: '`fleet job list` shows them.' });
  const { bus, caller, fleet, subjects } = reader;
  const found = new Map<string, JobFrame[]>();
  await bus.read(
    jobStream(fleet),
    subjects.approvals(job),
    (stored) => {
      const frame = readFrame(stored, reader);
      if (frame !== undefined) found.set(frame.caller, [...(found.get(frame.caller) ?? []), frame]);
    },
    { signal },
  );
  // An id is random: of two callers who have it, one made it up. The own one is what one means.
  const frames = assembleFrames(found.get(caller) ?? [...found.values()][0] ?? []);
  if (frames === undefined)
    throw new UsageError(`there is no record of job ${job}`, {
      code: 'no-such-job',
      hint: 'Records are kept for a week; what only reads has one with --record. `fleet job list` shows them.',
    });
  return frames;
}

/** Undefined for what isn't a frame that holds: commands that wait for signatures lie there, too. */
export function readFrame(
  stored: { readonly subject: string; readonly data: Uint8Array; readonly storedAt: number },
  { subjects, trust }: Pick<JobReader, 'subjects' | 'trust'>,
): JobFrame | undefined {
  try {
    trust.lookAt(stored.storedAt);
    return openFrame(stored, { subjects, fleetId: trust.fleetId, credentials: trust });
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** Takes what nodes said about this job, and nothing else. */
export function createReceiver(
  frames: JobFrames,
  { subjects, trust }: Pick<JobReader, 'subjects' | 'trust'>,
): Receiver {
  const { caller, expected, job } = frames.begun;
  trust.introduce(expected);
  const receiver = new Receiver({ caller, job }, { subjects, trust });
  for (const { id, payload } of messagesOf(frames))
    receiver.expectAnswersTo({ id: toHex(id), payloadHash: toHex(payload) });
  return receiver;
}

/** What each node said at the end. */
export async function readFinals(
  frames: JobFrames,
  reader: JobReader,
  signal: AbortSignal | undefined,
): Promise<Map<string, Result>> {
  const { bus, fleet, subjects, trust } = reader;
  const { caller, job } = frames.begun;
  const receiver = createReceiver(frames, reader);
  const finals = new Map<string, Result>();
  const take = (stored: { subject: string; data: Uint8Array; storedAt: number }): void => {
    trust.lookAt(stored.storedAt);
    const result = receiver.receive(stored);
    if (result === undefined || !isFinal(result)) return;
    const before = finals.get(result.node);
    // The same command may come again with more signatures; otherwise, the first is the only one.
    if (before === undefined || before.code === 'needs-approval') finals.set(result.node, result);
  };
  await bus.read(jobStream(fleet), subjects.recordsOf(caller, job), take, { signal });
  return finals;
}

const isFinal = ({ kind, state }: Result): boolean =>
  kind === 'unmatched' || (kind === 'result' && state !== undefined);
