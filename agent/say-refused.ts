/**
 * What goes into the record about a command that took no memory here: its id is burned first. So a copy that comes later
 * finds that it has been answered, and what the record says stays true. What can't be burned is told its caller alone.
 */
import type { Clock } from '../shared/clock.ts';
import { RefusedError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import type { Command } from '../shared/wire/command.ts';
import { finalOf } from './finals.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { CommandKey, ReplayMemory } from './replay/replay-memory.ts';
import type { Answer, Replier } from './reply.ts';
import type { From } from './verify.ts';

export interface SayDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: ReplayMemory;
  readonly outbox: Pick<Outbox, 'put'>;
}

export interface Unremembered {
  readonly command: Command;
  readonly key: CommandKey;
  readonly answer: Answer;
  readonly messages: Uint8Array[];
  readonly replier: Replier;
  readonly from: From;
}

/** Resolves when it has been handed over, or somebody else has the last word. */
export async function sayForRecord(said: Unremembered, dependencies: SayDependencies): Promise<void> {
  const { answer, command, from, key, messages, replier } = said;
  const { recordSubject } = replier;
  if (recordSubject === undefined || messages.length === 0 || command.kind === 'status') return;
  // The same bytes may come again, with more signatures; what was cancelled, cancelled again, stays so.
  const isForGood = answer.code !== 'needs-approval' && !(command.kind === 'cancel' && answer.state !== 'refused');
  if (isForGood && !(await isBurned(said, dependencies))) return;
  // Nobody hears what is said about a queue. Behind what was put there before: where that is how it ended, it stays so.
  if (from === 'queue')
    await dependencies.outbox.put({ subject: recordSubject, kind: 'final', key: key.key, messages });
  else replier.report(messages);
}

/** Whether nothing can come of it any more but this answer. */
async function isBurned({ answer, from, key }: Unremembered, dependencies: SayDependencies): Promise<boolean> {
  const { clock, log, memory } = dependencies;
  // Nobody remembers that long: it could come when this is forgotten.
  if (key.expires > clock.now() + LIMITS.waitingCommandLifeMs + LIMITS.clockSkewMs) return false;
  try {
    const known = await memory.burn(key, finalOf(answer), answer.reason);
    if (known !== undefined && from === 'queue') await memory.whenEnded(known);
    return known === undefined;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    log.debug(
      { reason: error.message },
      'a refusal is told the caller, and not the record: there is no room to keep to it',
    );
    return false;
  }
}

/** What the node can't say for good now: what waits in its queue may wait a little longer. */
export const isForLater = ({ code }: Answer): boolean => code === 'cannot-check-revocation' || code === 'cannot-record';
