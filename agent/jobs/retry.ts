/**
 * A command that tries others again: repeats nothing that has been done, starts nothing beside what still runs, and burns
 * what hasn't come, so that of all attempts no two do it.
 */
import { FleetError, RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { JOB_ACTIONS } from '../../shared/policy/job-actions.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { decodeResult, decodeResultMessage, type Result } from '../../shared/wire/result.ts';
import type { AuthorizeDependencies } from '../authorize.ts';
import { CANNOT_KNOW } from '../finals.ts';
import { runOf } from '../recover.ts';
import { replayKey, type Remembered, type ReplayMemory } from '../replay/replay-memory.ts';
import type { Answer } from '../reply.ts';
import type { ProgramSpool } from '../spool/program-spool.ts';
import type { VerifiedCommand } from '../verify.ts';
import { authorizeJob } from './authorize-job.ts';
import { RETRIED } from './burned.ts';
import type { RunningCommands } from './running-commands.ts';

export type RetryDependencies = AuthorizeDependencies & {
  readonly node: string;
  /** Undefined where programs end with the agent. */
  readonly spool?: Pick<ProgramSpool, 'findLeft'> | undefined;
  readonly memory: ReplayMemory;
  readonly running: RunningCommands;
};

/**
 * @returns what to answer where there is nothing left to do
 * @throws RefusedError `still-running`, `not-authorized`, `cannot-record`
 */
export async function settleAttempts(
  verified: VerifiedCommand,
  now: number,
  dependencies: RetryDependencies,
): Promise<Answer | undefined> {
  const { memory, node, running, spool } = dependencies;
  const { command, caller } = verified;
  const own = caller.credential.body.sign;
  const before = (command.retryOf ?? []).map(({ caller: by = own, id, until }) => ({
    key: replayKey(by, id),
    isOwn: Buffer.compare(by, own) === 0,
    until: Math.min(until, now + LIMITS.cancelReachMs),
  }));
  if (before.some(({ isOwn }) => !isOwn))
    await authorizeJob(verified, JOB_ACTIONS.retry, { own: false }, now, dependencies);
  const unknown = before.filter(({ key }) => isUnknown(memory.find(key)));
  const left = await Promise.all(unknown.map(async ({ key }) => spool?.findLeft(runOf(node, key))));
  const pid = left.find((found) => found !== undefined);
  if (pid !== undefined)
    throw new RefusedError(`what is tried again still runs here, as process ${pid}: cancel its job first`, {
      code: 'still-running',
    });
  if (before.some(({ key }) => running.get(key) !== undefined))
    throw new RefusedError('what is tried again still runs here: follow it, or cancel it first', {
      code: 'still-running',
    });
  const done = before.map(({ key }) => memory.find(key)).find((known) => known?.final?.state === 'ok');
  if (done !== undefined) return doneBefore(done);
  // All at once: nothing may come between.
  await Promise.all(
    before
      .filter(({ until }) => until + LIMITS.clockSkewMs > now)
      .map(({ key, until }) => memory.burn({ key, payload: '', expires: until }, RETRIED)),
  );
  return undefined;
}

/** Nobody heard how it ended. */
const isUnknown = (known: Remembered | undefined): boolean =>
  known !== undefined && (known.final === undefined || known.final.code === CANNOT_KNOW.code);

/** As it was answered then, as far as that is still there. */
function doneBefore(done: Remembered): Answer {
  const { data, timing } = readAnswer(done.answers) ?? {};
  return {
    kind: 'result',
    state: 'ok',
    reason: 'done before: the attempt that was tried again had ended ok here, so nothing was done twice',
    ...(data === undefined ? {} : { data }),
    ...(timing === undefined ? {} : { timing }),
  };
}

/** A node's own words, as it keeps them; undefined where they are not there any more. */
function readAnswer(messages: readonly Uint8Array[]): Result | undefined {
  try {
    const results = messages.map((message) => decodeResultMessage(parseEnvelope(message)[1]));
    const chunks = results.flatMap((result) => (result.kind === 'part' ? [result.chunk] : []));
    if (chunks.length > 0) return decodeResult(Buffer.concat(chunks));
    return results.find((result) => result.kind !== 'part');
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}
