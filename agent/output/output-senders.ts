/**
 * What the programs of this node write, on its way: to the stream of recorded output, or to the caller who listens. One
 * sender for each program; here they are found by the command that started them, told of credit, and ended together.
 */
import type { Bus } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { hasWholeOutput } from '../../shared/whole-output.ts';
import type { OutputPiece } from '../../shared/wire/result.ts';
import type { Answer, Replier } from '../reply.ts';
import { OutputSender } from './output-sender.ts';
import type { OutputSource } from './output-source.ts';
import { Turns } from './turns.ts';

export interface OutputSendersDependencies {
  readonly bus: Bus;
  readonly log: Logger;
}

/** Whose output it is, and who gets it. */
export interface OutputOrigin {
  /** Of the command: see replayKey(). */
  readonly key: string;
  readonly replier: Pick<Replier, 'outputSubject' | 'seal' | 'send'>;
  /** Of what is only heard: whether anybody listens. */
  readonly isLive: boolean;
}

/** Output that is on its way. */
export interface Sending {
  /** The command has ended so: what its final has in whole needn't be sent. */
  ended(answer: Pick<Answer, 'data' | 'streams'>): void;
}

export class OutputSenders {
  readonly #deps: OutputSendersDependencies;
  readonly #turns = new Turns(LIMITS.outputConcurrent);
  readonly #senders = new Map<string, OutputSender>();

  constructor(dependencies: OutputSendersDependencies) {
    this.#deps = dependencies;
    dependencies.bus.onEvent(({ type }) => {
      if (type === 'reconnected') for (const sender of this.#senders.values()) sender.resume();
    });
  }

  /** From where an earlier agent got to. */
  start(source: OutputSource, { key, replier, isLive }: OutputOrigin): Sending {
    const { outputSubject } = replier;
    const allowance = outputSubject === undefined ? (isLive ? LIMITS.outputCreditBytes : 0) : undefined;
    const sender = new OutputSender(
      { pieceBytes: Math.min(LIMITS.outputPieceBytes, this.#deps.bus.maxPayloadBytes / 2), allowance },
      { source, turns: this.#turns, log: this.#deps.log, send: (piece) => this.#send(piece, replier) },
    );
    if (allowance === 0) {
      void sender.end();
      return { ended: () => undefined };
    }
    this.#senders.set(key, sender);
    const listening =
      allowance === undefined
        ? undefined
        : whileHeard(sender, () => {
            source.unheard?.();
            if (source.state.isOver) void sender.end();
          });
    void sender.done.finally(() => {
      clearInterval(listening);
      if (this.#senders.get(key) === sender) this.#senders.delete(key);
    });
    return {
      ended: (answer) => {
        if (hasWholeOutput(answer)) void sender.end();
      },
    };
  }

  /** More of it may be heard. @returns whether there is any */
  allow(key: string, bytes: number): boolean {
    const sender = this.#senders.get(key);
    sender?.allow(bytes);
    return sender !== undefined;
  }

  /** Resolves when nothing is under way any more: what isn't sent, the next agent sends. */
  async close(): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.leave()));
  }

  async #send(piece: OutputPiece, replier: OutputOrigin['replier']): Promise<void> {
    const answer: Answer = { kind: 'output', output: piece };
    const { outputSubject } = replier;
    if (outputSubject === undefined) return void (await replier.send(answer));
    for (const message of await replier.seal(answer)) await this.#deps.bus.store(outputSubject, message);
  }
}

/** Who listens says so again and again; who has gone says nothing. */
function whileHeard(sender: OutputSender, onUnheard: () => void): NodeJS.Timeout {
  let seen = sender.credits;
  return setInterval(() => {
    if (sender.credits === seen) onUnheard();
    seen = sender.credits;
  }, LIMITS.outputCreditWaitMs);
}
