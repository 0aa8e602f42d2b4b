/**
 * What was tried before a retry: every message that named a node in the job that is tried again, in those that this one
 * tried again, and in those that have tried it since. A node that knows one of them to have ended ok repeats nothing; what it hasn't seen it burns.
 */
import { FleetError, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { TriedBefore } from '../../shared/wire/command.ts';
import type { JobSource } from './job-source.ts';
import { messagesOf, type JobFrames } from './job-view.ts';
import { startsUntil } from './sign-about.ts';

/** What a retry says of the attempts before it. */
export interface Attempts {
  /** The job that is tried again. */
  readonly job: string;
  /** By node; those that were never sent anything are not in it. */
  readonly before: ReadonlyMap<string, readonly TriedBefore[]>;
}

/** @param own public signing key of who tries again @throws UsageError `too-many-attempts`; TransportError */
export async function readAttempts(
  frames: JobFrames,
  jobs: Pick<JobSource, 'frames' | 'list' | 'owner' | 'reader'>,
  { own, now }: { readonly own: Uint8Array; readonly now: number },
  signal?: AbortSignal,
): Promise<Attempts> {
  const before = new Map<string, TriedBefore[]>();
  for (const tried of [...(await earlierThan(frames, jobs, signal)), ...(await laterThan(frames, jobs, signal))]) {
    const owner = await jobs.owner(tried);
    const isOwn = Buffer.compare(owner, own) === 0;
    const until = startsUntil(tried, now);
    for (const [node, id] of messagesByNode(tried)) {
      const attempt = { ...(isOwn ? {} : { caller: owner }), id, until };
      before.set(node, [...(before.get(node) ?? []), attempt]);
    }
  }
  const most = Math.max(0, ...[...before.values()].map(({ length }) => length));
  if (most > LIMITS.retriesInMessage)
    throw new UsageError(`it has been tried ${most} times already, and ${LIMITS.retriesInMessage} is the most`, {
      code: 'too-many-attempts',
      hint: 'Look why it fails; then send it as a new command.',
    });
  return { job: frames.begun.job, before };
}

function messagesByNode(tried: JobFrames): readonly (readonly [string, Uint8Array])[] {
  return messagesOf(tried).flatMap(({ id, nodes }) =>
    nodes.flatMap((place) => {
      const node = tried.begun.expected[place];
      return node === undefined ? [] : [[node, id] as const];
    }),
  );
}

/** The job, what it tried again, and so on. */
async function earlierThan(
  frames: JobFrames,
  jobs: Pick<JobSource, 'frames'>,
  signal: AbortSignal | undefined,
): Promise<JobFrames[]> {
  const found = [frames];
  for (let job = frames.begun.retryOf; job !== undefined;) {
    const earlier: JobFrames | undefined = await framesIfThere(job, jobs, signal);
    if (earlier === undefined || found.some(({ begun }) => begun.job === earlier.begun.job)) break;
    found.push(earlier);
    job = earlier.begun.retryOf;
  }
  return found;
}

/** What has tried it again already: that may have done it. */
async function laterThan(
  { begun }: JobFrames,
  jobs: Pick<JobSource, 'list' | 'reader'>,
  signal: AbortSignal | undefined,
): Promise<JobFrames[]> {
  const { caller, isAdmin } = jobs.reader;
  const all = await jobs.list({ since: begun.issued, caller: isAdmin ? undefined : caller }, signal);
  const tried = new Set([begun.job]);
  // The oldest first: a retry comes after what it tries again.
  return all.filter(({ begun: { job, retryOf } }) => {
    if (retryOf === undefined || !tried.has(retryOf) || tried.has(job)) return false;
    tried.add(job);
    return true;
  });
}

/** Records are kept for a week: what was sent before that can't start any more. */
async function framesIfThere(
  job: string,
  jobs: Pick<JobSource, 'frames'>,
  signal: AbortSignal | undefined,
): Promise<JobFrames | undefined> {
  try {
    return await jobs.frames(job, signal);
  } catch (error) {
    if (error instanceof FleetError && error.code === 'no-such-job') return undefined;
    throw error;
  }
}
