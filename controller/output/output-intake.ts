/**
 * What programs write, as it comes: of each piece what is new goes on to the sinks, in order; what is not there is counted.
 * A final says how much there is, and may have it in whole. Knows nothing of the bus: results are handed in, verified.
 */
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { OUTPUT_STREAMS, type OutputStream, type Result } from '../../shared/wire/result.ts';
import { readOutputEnd, type StreamEnd } from './output-end.ts';
import type { OutputSink } from './output-sink.ts';
import { StreamPosition } from './stream-position.ts';

export interface OutputIntakeDependencies {
  readonly sinks: readonly OutputSink[];
  readonly clock: Clock;
  /** How long it's waited for pieces when none come. @default LIMITS.outputSilenceMs */
  readonly silenceMs?: number | undefined;
  /** Told when so many bytes of a node, both streams together, have been taken by the sinks. @default nobody */
  readonly onTaken?: ((node: string, bytes: number) => void) | undefined;
}

/** What is not there of a node's output. */
export interface OutputLoss {
  /** Bytes that did not come: the bus had dropped them, or the node hasn't sent them so far. */
  readonly missing: number;
  /** Bytes that the node itself had no room for. */
  readonly dropped: number;
  /** What came isn't what the node says that it was. */
  readonly isAltered: boolean;
}

interface NodeOutput {
  readonly streams: Record<OutputStream, StreamPosition>;
  /** Its final has come; `ends` is read in its turn. */
  hasEnded: boolean;
  ends: Record<OutputStream, StreamEnd> | undefined;
  isOver: boolean;
}

export class OutputIntake {
  readonly #deps: OutputIntakeDependencies;
  readonly #nodes = new Map<string, NodeOutput>();
  readonly #losses = new Map<string, OutputLoss>();
  /** Nodes that have ended, and of whose output something is still to come. */
  readonly #open = new Set<string>();
  /** What the sinks are given, one after another. */
  #tail: Promise<void> | undefined;
  #lastAt: number;
  #onChange: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(dependencies: OutputIntakeDependencies) {
    this.#deps = dependencies;
    this.#lastAt = dependencies.clock.monotonic();
  }

  /** What is not there, by node; of those that have ended and were waited for. */
  get losses(): ReadonlyMap<string, OutputLoss> {
    return this.#losses;
  }

  /** A result of kind `output`. A promise where the sinks are slow; never rejects. */
  take({ node, output }: Pick<Result, 'node' | 'output'>): void | Promise<void> {
    if (output === undefined) return;
    return this.#then(() => {
      const { ends, isOver, streams } = this.#nodeOf(node);
      // Whoever has ended has said all.
      if (isOver) return;
      this.#lastAt = this.#deps.clock.monotonic();
      return this.#put(node, output.stream, output.offset, clip(output, ends?.[output.stream]), () => {
        this.#deps.onTaken?.(node, streams.stdout.next + streams.stderr.next);
        return this.#endIfComplete(node);
      });
    });
  }

  /** A final one: a promise where the sinks are slow; never rejects. */
  end(final: Result): void | Promise<void> {
    const { node } = final;
    const output = this.#nodeOf(node);
    if (output.hasEnded) return;
    output.hasEnded = true;
    // Before its turn comes at the sinks: somebody may ask meanwhile whether there is something to wait for.
    this.#open.add(node);
    return this.#then(async () => {
      output.ends = readOutputEnd(final);
      for (const stream of OUTPUT_STREAMS) {
        const { whole } = output.ends[stream];
        if (whole !== undefined && whole.length > output.streams[stream].next)
          await this.#put(node, stream, 0, whole, () => undefined);
      }
      await this.#endIfComplete(node);
    });
  }

  /**
   * Resolves when all that nodes which have ended wrote has come, or nothing has for a while; then says what is missing.
   * @param signal stops the wait, without a word about what is missing
   * @throws what a sink has thrown
   */
  async finish(signal?: AbortSignal): Promise<void> {
    const isWorthIt = (): boolean => this.#open.size > 0 && signal?.aborted !== true && this.#failure === undefined;
    while (isWorthIt()) {
      // While the sinks are busy, it isn't the nodes that are silent.
      await this.#tail;
      const leftMs = this.#lastAt + (this.#deps.silenceMs ?? LIMITS.outputSilenceMs) - this.#deps.clock.monotonic();
      if (!isWorthIt() || (leftMs <= 0 && this.#tail === undefined)) break;
      await this.#changed(Math.max(leftMs, 1), signal);
    }
    if (signal?.aborted !== true) await this.#then(() => this.#giveUp());
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #nodeOf(node: string): NodeOutput {
    let found = this.#nodes.get(node);
    if (found === undefined) {
      found = {
        streams: { stdout: new StreamPosition(), stderr: new StreamPosition() },
        hasEnded: false,
        ends: undefined,
        isOver: false,
      };
      this.#nodes.set(node, found);
    }
    return found;
  }

  /** What is new of it. */
  #put(
    node: string,
    stream: OutputStream,
    offset: number,
    bytes: Uint8Array,
    then: () => void | Promise<void>,
  ): void | Promise<void> {
    const { gap, fresh } = this.#nodeOf(node).streams[stream].take(offset, bytes);
    return inTurn(
      gap === undefined ? undefined : this.#tellMissing(node, stream, gap.offset, gap.count),
      () =>
        fresh === undefined
          ? undefined
          : this.#each((sink) => sink.piece({ node, stream, offset: fresh.offset, bytes: fresh.bytes })),
      then,
    );
  }

  #tellMissing(node: string, stream: OutputStream, offset: number, count: number): void | Promise<void> {
    this.#note(node, { missing: count });
    return this.#each((sink) => sink.missing({ node, stream, offset, count }));
  }

  #endIfComplete(node: string): void | Promise<void> {
    const { ends, isOver, streams } = this.#nodeOf(node);
    if (ends === undefined || isOver || OUTPUT_STREAMS.some((one) => streams[one].next < ends[one].bytes)) return;
    return this.#over(node);
  }

  #over(node: string): void | Promise<void> {
    const output = this.#nodeOf(node);
    output.isOver = true;
    this.#open.delete(node);
    for (const stream of OUTPUT_STREAMS) {
      const end = output.ends?.[stream];
      if (end === undefined) continue;
      if (end.dropped > 0) this.#note(node, { dropped: end.dropped });
      if (end.sha256 !== undefined && output.streams[stream].differsFrom(end.sha256))
        this.#note(node, { isAltered: true });
    }
    this.#onChange?.();
    return this.#each((sink) => sink.ended(node));
  }

  async #giveUp(): Promise<void> {
    for (const [node, { ends, isOver, streams }] of this.#nodes) {
      if (isOver) continue;
      for (const stream of OUTPUT_STREAMS) {
        const { next } = streams[stream];
        const count = (ends?.[stream].bytes ?? next) - next;
        if (count > 0) await this.#tellMissing(node, stream, next, count);
        streams[stream].break();
      }
      await this.#over(node);
    }
  }

  #note(node: string, more: Partial<OutputLoss>): void {
    const known = this.#losses.get(node) ?? { missing: 0, dropped: 0, isAltered: false };
    this.#losses.set(node, {
      missing: known.missing + (more.missing ?? 0),
      dropped: known.dropped + (more.dropped ?? 0),
      isAltered: known.isAltered || more.isAltered === true,
    });
  }

  #each(call: (sink: OutputSink) => void | Promise<void>): void | Promise<void> {
    const waits = this.#deps.sinks.flatMap((sink) => call(sink) ?? []);
    if (waits.length > 0) return Promise.all(waits).then(() => undefined);
  }

  /** At once where nothing is under way; behind it otherwise. A sink that failed is given nothing more. */
  #then(step: () => void | Promise<void>): void | Promise<void> {
    if (this.#failure !== undefined) return;
    let done: void | Promise<void>;
    try {
      done = this.#tail === undefined ? step() : this.#tail.then(step);
    } catch (error) {
      return this.#fail(error);
    }
    if (done === undefined) return;
    const tail: Promise<void> = done
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        if (this.#tail === tail) this.#tail = undefined;
        this.#lastAt = this.#deps.clock.monotonic();
      });
    this.#tail = tail;
    return tail;
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error('the output could not be written', { cause: error });
    this.#onChange?.();
  }

  async #changed(limitMs: number, signal: AbortSignal | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => this.#onChange?.();
    signal?.addEventListener('abort', stop, { once: true });
    await new Promise<void>((resolve) => {
      this.#onChange = resolve;
      timer = setTimeout(resolve, limitMs);
    });
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    this.#onChange = undefined;
  }
}

/** A program has written no more than its final says: a piece that goes on behind it is none. */
function clip(
  { offset, bytes }: { readonly offset: number; readonly bytes: Uint8Array },
  end: StreamEnd | undefined,
): Uint8Array {
  return end === undefined ? bytes : bytes.subarray(0, Math.max(0, end.bytes - offset));
}

/** One after another; at once as long as none takes time. */
function inTurn(first: void | Promise<void>, ...steps: readonly (() => void | Promise<void>)[]): void | Promise<void> {
  let before = first;
  for (const step of steps) before = before === undefined ? step() : before.then(step);
  return before;
}
