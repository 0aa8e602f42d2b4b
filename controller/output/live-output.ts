/**
 * What the programs of a job write, from the bus to the sinks: recorded output is read from the beginning of its stream,
 * as fast as the sinks take it; what is only heard comes within the credit that is given here.
 */
import type { Bus, Subscription } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { outputStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { Result } from '../../shared/wire/result.ts';
import type { Receiver } from '../receive.ts';
import type { CreditGiver } from './credit.ts';
import { OutputIntake, type OutputLoss } from './output-intake.ts';
import type { OutputSink } from './output-sink.ts';

/** Whoever wants to see what programs write, while they do. */
export interface OutputRequest {
  readonly sinks: readonly OutputSink[];
  /** Of what is quicker than this nothing is shown before the end. @default 0 */
  readonly afterMs?: number | undefined;
  /** It can't be had; how the nodes end can, all the same. */
  readonly onUnreadable?: ((reason: string) => void) | undefined;
  /** At the end, where something is not there. @param job where it's recorded, and may be there later */
  readonly onLosses?: ((losses: ReadonlyMap<string, OutputLoss>, job: string | undefined) => void) | undefined;
}

export interface LiveOutputDependencies {
  readonly fleet: string;
  readonly caller: string;
  readonly job: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly receiver: Receiver;
  /** When what is looked at next was stored. */
  readonly lookAt?: ((storedAt: number) => void) | undefined;
  /** Where it's only heard; undefined where it's recorded. */
  readonly credit: CreditGiver | undefined;
}

export class LiveOutput {
  readonly #request: OutputRequest;
  readonly #deps: LiveOutputDependencies;
  readonly #intake: OutputIntake;
  #timer: NodeJS.Timeout | undefined;
  #following: Subscription | undefined;
  #isOpen = false;
  #isClosed = false;

  constructor(request: OutputRequest, dependencies: LiveOutputDependencies) {
    this.#request = request;
    this.#deps = dependencies;
    const { clock, credit } = dependencies;
    this.#intake = new OutputIntake({
      sinks: request.sinks,
      clock,
      onTaken: (node, bytes) => credit?.taken(node, bytes),
    });
  }

  /** At once, or when it has taken a while. Resolves when no piece can be missed any more. */
  async start(): Promise<void> {
    const { afterMs = 0 } = this.#request;
    if (afterMs === 0 || this.#deps.credit !== undefined) await this.#open();
    else this.#timer = setTimeout(() => void this.#open(), afterMs);
  }

  /** Whatever a node says, of this job. */
  take(result: Result): void {
    if (!this.#isOpen) return;
    if (result.kind === 'output') {
      if (this.#deps.credit?.covers(result) === true) void this.#intake.take(result);
    } else if (result.kind === 'result' && result.state !== undefined) void this.#intake.end(result);
  }

  /** Resolves when all has come, or nothing more does. @throws what a sink throws */
  async finish(signal: AbortSignal | undefined): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#isOpen) return;
    await this.#intake.finish(signal);
    if (this.#intake.losses.size === 0 || signal?.aborted === true) return;
    this.#request.onLosses?.(this.#intake.losses, this.#deps.credit === undefined ? this.#deps.job : undefined);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#following?.close();
    this.#deps.credit?.close();
  }

  async #open(): Promise<void> {
    const { bus, caller, credit, fleet, job, subjects } = this.#deps;
    this.#isOpen = true;
    if (credit !== undefined) return;
    try {
      const following = await bus.follow(outputStream(fleet), subjects.outputsOf(caller, job), (stored) =>
        this.#takeStored(stored),
      );
      if (this.#isClosed) following.close();
      else this.#following = following;
    } catch (error) {
      this.#isOpen = false;
      if (!(error instanceof FleetError)) throw error;
      this.#request.onUnreadable?.(error.message);
    }
  }

  #takeStored({ storedAt, ...message }: { storedAt: number; subject: string; data: Uint8Array }): void | Promise<void> {
    this.#deps.lookAt?.(storedAt);
    const result = this.#deps.receiver.receive(message);
    return result === undefined ? undefined : this.#intake.take(result);
  }
}
