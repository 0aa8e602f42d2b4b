/**
 * Sends what one program writes, while it writes: in order, a piece at a time, the next when the one before has been
 * handed over. A piece that could not be is tried again, for as long as the agent lives; how far it got is told to the
 * source, where the next agent begins. States: sending ⇄ waiting (for output, for credit, for the bus) → done.
 */
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { OUTPUT_STREAMS, type OutputPiece, type OutputStream } from '../../shared/wire/result.ts';
import type { OutputSource } from './output-source.ts';
import type { Turns } from './turns.ts';

export interface OutputSenderOptions {
  /** How many bytes may go, both streams together, before there is credit for more. @default all */
  readonly allowance?: number | undefined;
  readonly pieceBytes: number;
}

export interface OutputSenderDependencies {
  readonly source: OutputSource;
  /** Resolves when it needn't be sent again. */
  readonly send: (piece: OutputPiece) => Promise<void>;
  readonly turns: Turns;
  readonly log: Logger;
}

export class OutputSender {
  readonly #options: OutputSenderOptions;
  readonly #deps: OutputSenderDependencies;
  readonly #sent: Record<OutputStream, number>;
  #allowance: number;
  /** Which stream had the last piece: the other one comes next. */
  #last: OutputStream = 'stderr';
  #wakes = 0;
  #waiter: (() => void) | undefined;
  #resume: (() => void) | undefined;
  /** How often somebody has said that more may go. */
  credits = 0;
  #isBack = false;
  #isStopped = false;
  #isLeft = false;
  /** Resolves when all of it has been handed over, or nobody wants it any more. Never rejects. */
  readonly done: Promise<void>;

  constructor(options: OutputSenderOptions, dependencies: OutputSenderDependencies) {
    const { source, log } = dependencies;
    this.#options = options;
    this.#deps = dependencies;
    this.#allowance = options.allowance ?? Infinity;
    const { stdout, stderr } = source.state.streams;
    this.#sent = { stdout: stdout.releasedBytes ?? 0, stderr: stderr.releasedBytes ?? 0 };
    const unlisten = source.onChange(() => this.#wake());
    this.done = this.#run()
      .catch((error: unknown) => log.error({ err: error }, 'output of a program could not be read, and is not sent'))
      .finally(() => {
        unlisten();
        // Sent or not: nobody comes for it any more.
        if (!this.#isLeft) for (const stream of OUTPUT_STREAMS) source.release(stream, Infinity);
      });
  }

  /** So many bytes may go in all; less than before changes nothing. */
  allow(bytes: number): void {
    this.credits++;
    this.#allowance = Math.max(this.#allowance, bytes);
    this.#wake();
  }

  /** Whether there is something that may not go. */
  get lacksCredit(): boolean {
    return this.#next() !== undefined && this.#room() <= 0;
  }

  /** The bus is back: what it didn't take is tried again at once. */
  resume(): void {
    if (this.#resume === undefined) this.#isBack = true;
    else this.#resume();
  }

  /** Nobody needs the rest. Resolves when nothing is under way any more. */
  end(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    this.#resume?.();
    return this.done;
  }

  /** The same, but the rest stays where it is, for the next agent. */
  leave(): Promise<void> {
    this.#isLeft = true;
    return this.end();
  }

  async #run(): Promise<void> {
    const { turns } = this.#deps;
    let retryMs: number = LIMITS.outboxRetryMs;
    while (!this.#isStopped) {
      const wakes = this.#wakes;
      const stream = this.#next();
      if (stream === undefined && this.#deps.source.state.isOver) return;
      if (stream === undefined || this.#room() <= 0) {
        await this.#woken(wakes);
        continue;
      }
      await this.#gather();
      if (this.#isStopped) return;
      const isSent = await turns.take(() => this.#sendPiece(stream));
      if (isSent) retryMs = LIMITS.outboxRetryMs;
      else {
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, LIMITS.outboxRetryMaxMs);
      }
    }
  }

  /** @returns whether it was handed over @throws what reading it throws */
  async #sendPiece(stream: OutputStream): Promise<boolean> {
    const { source, send, log } = this.#deps;
    const offset = this.#sent[stream];
    const bytes = await source.read(stream, offset, Math.min(this.#options.pieceBytes, this.#room()));
    if (bytes.length === 0) throw new Error(`${stream} has nothing at ${offset}, and had`);
    try {
      await send({ stream, offset, bytes });
    } catch (error) {
      log.debug({ err: error, stream, offset }, 'output waits: the bus does not store it');
      return false;
    }
    this.#last = stream;
    this.#sent[stream] = offset + bytes.length;
    source.release(stream, this.#sent[stream]);
    return true;
  }

  /** The streams take turns. */
  #next(): OutputStream | undefined {
    const order: readonly OutputStream[] = this.#last === 'stdout' ? ['stderr', 'stdout'] : ['stdout', 'stderr'];
    return order.find((stream) => this.#waiting(stream) > 0);
  }

  #waiting(stream: OutputStream): number {
    return this.#deps.source.state.streams[stream].bytes - this.#sent[stream];
  }

  #room(): number {
    return this.#allowance - this.#sent.stdout - this.#sent.stderr;
  }

  /** A program writes line by line: what comes within a moment goes together. */
  async #gather(): Promise<void> {
    const { source } = this.#deps;
    const moment = { isOver: false };
    const timer = setTimeout(() => {
      moment.isOver = true;
      this.#wake();
    }, LIMITS.outputGatherMs);
    const isEnough = (): boolean =>
      this.#isStopped ||
      source.state.isOver ||
      OUTPUT_STREAMS.some((stream) => this.#waiting(stream) >= this.#options.pieceBytes);
    while (!moment.isOver && !isEnough()) await this.#woken(this.#wakes);
    clearTimeout(timer);
  }

  #wake(): void {
    this.#wakes++;
    this.#waiter?.();
  }

  /** Resolves when it was woken since. */
  async #woken(since: number): Promise<void> {
    if (this.#wakes !== since || this.#isStopped) return;
    await new Promise<void>((resolve) => (this.#waiter = resolve));
    this.#waiter = undefined;
  }

  /** Before the next try: so long, unless the bus comes back, or nobody wants it any more. What the program writes changes nothing. */
  async #pause(ms: number): Promise<void> {
    // It came back while the last try was under way.
    const isBack = this.#isBack;
    this.#isBack = false;
    if (this.#isStopped || isBack) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#resume = undefined;
  }
}
