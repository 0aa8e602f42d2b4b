/**
 * What comes in of a job, whoever sent it: answers that are heard, answers that are recorded, what programs write; until
 * every node has its final state, nobody wants to wait any more, or the bus is lost. Used by who sends, and by who follows.
 */
import type { Bus, Subscription } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { InterruptedError } from '../shared/errors.ts';
import type { FinalState } from '../shared/states.ts';
import { jobStream } from '../shared/streams.ts';
import type { Subjects } from '../shared/subjects.ts';
import { createSharing } from './aggregate/share.ts';
import type { BatchProgress } from './batch/lead.ts';
import type { BusWatch } from './bus-watch.ts';
import { Collector, type CollectOptions } from './collect.ts';
import type { LiveOutput } from './output/live-output.ts';
import type { Receiver } from './receive.ts';
import type { NodeResult, OpenNode } from './report.ts';

/** What a person is told while it goes on. */
export interface IncomingListeners {
  readonly onNode?: ((result: NodeResult) => void) | undefined;
  /** Called when something has changed in who is waited for. */
  readonly onProgress?: ((progress: JobProgress) => void) | undefined;
  /** Aborting stops the wait; the nodes go on. */
  readonly signal?: AbortSignal | undefined;
}

/** Asked for when it is drawn, a few times a second, and not at each of ten thousand answers. */
export interface JobProgress {
  readonly done: number;
  readonly expected: number;
  readonly waiting: string[];
  readonly batch?: BatchProgress | undefined;
}

export interface IncomingOptions extends IncomingListeners {
  readonly caller: string;
  readonly job: string;
  /** Whether finals are stored, too. */
  readonly isRecorded: boolean;
  /** What came in before, to somebody else. */
  readonly known?: { readonly nodes: readonly NodeResult[]; readonly unmatched: readonly string[] } | undefined;
  readonly collect: CollectOptions;
}

/** For who leads the job. */
export interface IncomingHooks {
  readonly tryAgain?: (silent: readonly string[]) => void;
  /** As the collector has it. */
  readonly wordsOfSilent?: ((node: string) => string | undefined) | undefined;
  /** As the collector has it. */
  readonly onSilent?: ((silent: readonly string[]) => void) | undefined;
  readonly onEnded?: (node: string, state: FinalState | 'unmatched') => void;
  /** Called before an interrupted wait ends: whoever leads may have it led on. */
  readonly beforeStop?: () => Promise<void>;
  /** Nobody waits any more, and why. */
  readonly onStop?: (cause: { readonly code: 'interrupted' | 'bus-lost'; readonly reason: string }) => void;
  readonly batch?: () => BatchProgress | undefined;
  /** Called before anything that is recorded comes; what it opens is closed with the rest. */
  readonly prepare?: (() => Promise<Subscription>) | undefined;
  /** When what is looked at next was stored. */
  readonly lookAt?: (storedAt: number) => void;
}

export interface IncomingDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly watch: Pick<BusWatch, 'lost' | 'onLost'>;
  readonly receiver: Receiver;
  /** @default what programs write is not wanted before they have ended */
  readonly output?: LiveOutput | undefined;
}

export class Incoming {
  readonly nodes: NodeResult[] = [];
  readonly unmatched: string[] = [];
  readonly collector: Collector;
  /** Nodes that were still waited for when `signal` aborted. */
  abandoned: string[] = [];
  /** Nodes whose turn had not come then. */
  notStarted: string[] = [];
  /** Who has no state, of those whom nobody waits for any more. */
  readonly open: OpenNode[] = [];
  lostBus: string | undefined;
  readonly #options: IncomingOptions;
  readonly #hooks: IncomingHooks;
  readonly #deps: IncomingDependencies;
  readonly #progress: JobProgress;

  constructor(options: IncomingOptions, hooks: IncomingHooks, dependencies: IncomingDependencies) {
    this.#options = options;
    this.#hooks = hooks;
    this.#deps = dependencies;
    // Thousands of nodes give the same output: it is kept once.
    const share = createSharing();
    this.nodes.push(...(options.known?.nodes ?? []));
    this.unmatched.push(...(options.known?.unmatched ?? []));
    this.collector = new Collector(options.collect, {
      clock: dependencies.clock,
      tryAgain: (silent) => hooks.tryAgain?.(silent),
      onSilent: hooks.onSilent,
      wordsOfSilent: hooks.wordsOfSilent,
      onNode: (received) => {
        const result = share(received);
        this.nodes.push(result);
        options.onNode?.(result);
        hooks.onEnded?.(result.node, result.state);
      },
      onUnmatched: (node) => {
        this.unmatched.push(node);
        hooks.onEnded?.(node, 'unmatched');
      },
    });
    this.#progress = progressOf(this, options.collect.expected.length, hooks.batch);
  }

  tellProgress(): void {
    this.#options.onProgress?.(this.#progress);
  }

  /** Nothing new is sent; what was sent is waited for. */
  hold(): void {
    this.notStarted = this.collector.planned;
    this.#hooks.onStop?.(INTERRUPTED);
  }

  /** Somebody else goes on with who was not sent to. */
  handOn(reason: string): void {
    this.open.push(...this.collector.handOn().map((node) => ({ node, is: 'to-come', reason }) as const));
  }

  /**
   * Resolves when it's over; nothing is listened to any more then.
   * @param begin called when no answer can be missed any more
   * @param failed rejects when there is no sense in waiting
   * @throws InterruptedError when `signal` was aborted before `begin`; what that throws; TransportError
   */
  async until(begin: () => void, failed?: Promise<never>): Promise<void> {
    const { caller, isRecorded, job, signal } = this.#options;
    const { bus, fleet, output, subjects, watch } = this.#deps;
    const { collector } = this;
    const answers = subjects.resultsOf(caller, job);
    const open = [bus.subscribe(answers, (message) => this.#take(message))];
    const unwatch = watch.onLost(answers, (why) => this.#loseBus(why));
    const stop = (): void => {
      const preparing = this.#hooks.beforeStop?.();
      if (preparing === undefined) this.#stop();
      else void preparing.finally(() => this.#stop()).catch(() => undefined);
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const prepared = await this.#hooks.prepare?.();
      if (prepared !== undefined) open.push(prepared);
      if (isRecorded)
        open.push(
          await bus.follow(jobStream(fleet), subjects.recordsOf(caller, job), ({ storedAt, ...message }) => {
            this.#hooks.lookAt?.(storedAt);
            this.#take(message);
          }),
        );
      await output?.start();
      if (signal?.aborted === true)
        throw new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
      begin();
      await Promise.race([collector.done, ...(failed === undefined ? [] : [failed])]);
      if (this.lostBus === undefined) await output?.finish(signal);
    } finally {
      collector.stop('the command failed');
      signal?.removeEventListener('abort', stop);
      unwatch();
      output?.close();
      for (const subscription of open) subscription.close();
    }
  }

  #take(message: { readonly subject: string; readonly data: Uint8Array }): void {
    const result = this.#deps.receiver.receive(message);
    // Of a recorded one, the whole answer is in the record, or on its way there.
    if (result === undefined || (this.#options.isRecorded && result.code === 'answer-dropped')) return;
    this.#deps.output?.take(result);
    this.collector.take(result);
    this.tellProgress();
  }

  #stop(): void {
    if (this.collector.isOver) return;
    this.abandoned = this.collector.waiting;
    this.notStarted = [...this.notStarted, ...this.collector.planned];
    this.#hooks.onStop?.(INTERRUPTED);
    this.open.push(...this.collector.stop('the wait was interrupted'));
  }

  #loseBus(why: string): void {
    if (this.collector.isOver) return;
    this.lostBus = why;
    this.#hooks.onStop?.({ code: 'bus-lost', reason: 'never started: the bus was lost' });
    this.open.push(...this.collector.stop('the bus was lost'));
  }
}

const INTERRUPTED = { code: 'interrupted', reason: 'never started: the command was interrupted' } as const;

function progressOf(
  { collector, nodes, unmatched }: Incoming,
  expected: number,
  batch: IncomingHooks['batch'],
): JobProgress {
  return {
    get done() {
      return nodes.length + unmatched.length;
    },
    expected,
    get waiting() {
      return collector.waiting;
    },
    get batch() {
      return batch?.();
    },
  };
}
