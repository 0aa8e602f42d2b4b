/**
 * What a node has to say last about a command: written, kept where it is recorded and remembered, and said again when the
 * same bytes come again. What is said, the pipeline decides; how it is signed and sent, reply.ts.
 */
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { burnedWords, isBurned } from './jobs/burned.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Answer, Replier } from './reply.ts';
import type { Final } from './replay/journal.ts';
import type { Remembered, ReplayMemory } from './replay/replay-memory.ts';

export interface FinalsDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: ReplayMemory;
  readonly outbox: Pick<Outbox, 'put'>;
}

/** An answer, signed; nothing is to be sent where there are no messages. */
export interface Said {
  /** Undefined where the command was refused before it took any memory. */
  readonly remembered: Remembered | undefined;
  readonly answer: Answer;
  readonly messages: Uint8Array[];
  readonly effect: 'reads' | 'changes';
  readonly replier: Replier;
}

export const BROKEN: Answer = {
  kind: 'result',
  state: 'failed',
  code: 'internal',
  reason: "the agent broke over it: a bug, its stack is in the agent's log",
};

export const CANNOT_KNOW: Answer = {
  kind: 'result',
  state: 'lost',
  code: 'cannot-know',
  reason: 'the agent was restarted after it took this command; it may have run',
};

export const finalOf = ({ kind, state, code }: Answer): Final => ({
  kind: kind === 'unmatched' ? 'unmatched' : 'result',
  ...(state === undefined ? {} : { state }),
  ...(code === undefined ? {} : { code }),
});

export class Finals {
  readonly #deps: FinalsDependencies;

  constructor(dependencies: FinalsDependencies) {
    this.#deps = dependencies;
  }

  /** What nobody could read isn't sent: the caller is told that it broke. */
  async seal(answer: Answer, replier: Replier): Promise<Uint8Array[]> {
    try {
      return await replier.seal(answer);
    } catch (error) {
      this.#deps.log.error({ err: error }, 'an answer could not be written');
      return replier.seal({ ...BROKEN, timing: answer.timing });
    }
  }

  /**
   * Keeps what is said last, as far as it may be: the same bytes may come again, with more signatures. The outbox has it
   * before the memory knows that the command ended, and tells it after a crash in between.
   * @returns whether it was kept
   */
  async keep(said: Said): Promise<boolean> {
    const { answer, messages, remembered, replier } = said;
    if (remembered === undefined) return false;
    if (answer.code === 'needs-approval') {
      this.#deps.memory.release(remembered);
      return false;
    }
    const { recordSubject } = replier;
    if (recordSubject !== undefined) await this.#putOut(recordSubject, remembered, answer, messages);
    await this.#end(remembered, said);
    return true;
  }

  async #putOut(subject: string, { key }: Remembered, answer: Answer, messages: Uint8Array[]): Promise<void> {
    if (messages.length > 0)
      await this.#deps.outbox.put({ subject, kind: 'final', key, final: finalOf(answer), messages });
  }

  /** A final never changes: it is remembered over a restart, as far as that can be. Who wasn't meant and only read forgets. */
  async #end(remembered: Remembered, { answer, messages, effect }: Said): Promise<void> {
    const { memory } = this.#deps;
    if (messages.length === 0) return memory.end(remembered, []);
    const { state, reason } = answer;
    const final = finalOf(answer);
    // What nothing was done for is said again from a few words.
    if (final.kind === 'unmatched' || state === 'refused') memory.end(remembered, [], final, reason);
    else memory.end(remembered, messages, final);
    const isWorthIt = answer.kind !== 'unmatched' || effect === 'changes';
    if (!remembered.recorded && isWorthIt) await memory.record(remembered, { durable: false }).catch(() => undefined);
  }

  /** The same bytes once more: the same answer, and nothing runs. */
  async sayAgain(memory: Remembered, replier: Replier): Promise<void> {
    const { answers, final, reason, status } = memory;
    if (status === 'running') await replier.send({ kind: 'ack' });
    else if (answers.length > 0) replier.resend(answers);
    else if (final?.kind === 'unmatched') await replier.send({ kind: 'unmatched' });
    else if (final !== undefined && isBurned(final)) {
      const answer: Answer = { ...final, reason: burnedWords(final) };
      await this.#sayLate(memory, answer, replier);
    } else if (final !== undefined)
      await replier.send({
        kind: 'result',
        state: final.state,
        code: final.code ?? 'answer-dropped',
        reason: reason ?? 'this command has been answered; of the answer, only how it ended is still there',
        ...(reason === undefined ? {} : { timing: { received: this.#deps.clock.now() } }),
      });
    else if (status === 'unknown') await this.#sayLate(memory, CANNOT_KNOW, replier);
  }

  /** What nobody has been told so far. */
  async #sayLate(memory: Remembered, answer: Answer, replier: Replier): Promise<void> {
    const messages = await replier.send(answer);
    if (replier.recordSubject === undefined) return;
    await this.#putOut(replier.recordSubject, memory, answer, messages);
    this.#deps.memory.end(memory, messages, finalOf(answer));
  }
}
