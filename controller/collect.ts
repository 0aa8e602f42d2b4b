/**
 * Fourth step: from results and silence to exactly one final state a node. Knows nothing of the bus: results are handed
 * in, second tries are handed out, time comes from timers. Ends when the last expected node has its state.
 */
import type { Clock } from '../shared/clock.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Result } from '../shared/wire/result.ts';
import type { NodeResult, OpenNode } from './report.ts';

export interface CollectOptions {
  readonly expected: readonly string[];
  /** Why a node can't answer validly, known beforehand: its credential has expired. Nobody waits for it. */
  readonly hopeless: ReadonlyMap<string, string>;
  readonly ackTimeoutMs: number;
  /** For the whole command; nodes that are not done by then are lost or unreachable. */
  readonly deadlineMs?: number | undefined;
  /** Until when a silent node may still start what it was sent, on this machine's clock; absent where that changes nothing. */
  readonly mayStartUntil?: number | undefined;
  /** It was sent before, and by somebody else: who is silent is lost, and nobody is asked again. @default false */
  readonly isUnderWay?: boolean;
  /** Who is shown when it matched and was not expected: reading commands welcome whoever belongs to the fleet. */
  readonly welcome: Pick<ReadonlySet<string>, 'has'>;
  /** Nodes are sent to one after the other: `start` says when. @default false: all of them have been sent to */
  readonly inTurns?: boolean | undefined;
}

export interface CollectDependencies {
  readonly clock: Clock;
  /** Sends once more to nodes that haven't been heard of. */
  readonly tryAgain: (nodes: readonly string[]) => void;
  /**
   * Told of who has not acknowledged in time, in place of a verdict: each has to be concluded, or left.
   * @default they are unreachable
   */
  readonly onSilent?: ((nodes: readonly string[]) => void) | undefined;
  readonly onNode: (result: NodeResult) => void;
  readonly onUnmatched: (node: string) => void;
  /** Since when a silent node is away, in words, where somebody knows. */
  readonly wordsOfSilent?: ((node: string) => string | undefined) | undefined;
}

interface Waiting {
  /** On the monotonic clock. */
  readonly sentAt: number;
  readonly mayStartUntil: number | undefined;
  /** When it was last heard of, on the monotonic clock; undefined before the first acknowledgement. */
  heardAt: number | undefined;
}

export class Collector {
  readonly #options: CollectOptions;
  readonly #deps: CollectDependencies;
  /** Not sent to so far. */
  readonly #planned: Set<string>;
  readonly #waiting = new Map<string, Waiting>();
  readonly #ended = new Set<string>();
  /** Away, and nobody concludes anything from their silence; the wait doesn't go on for those who were left. */
  readonly #held = new Set<string>();
  readonly #left = new Map<string, Waiting>();
  readonly #startedAt: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isOver = false;
  #looksForLost = false;
  #finish: () => void = () => undefined;
  /** Resolves when every expected node has a final state or didn't match, or when stopped. */
  readonly done: Promise<void>;

  constructor(options: CollectOptions, dependencies: CollectDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#startedAt = dependencies.clock.monotonic();
    this.#planned = new Set(options.expected);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    if (options.deadlineMs !== undefined)
      this.#after(options.deadlineMs + LIMITS.deadlineGraceMs, () => this.#giveUpAtDeadline());
    if (options.inTurns === true) this.#endIfComplete();
    else this.start(options.expected, options.mayStartUntil);
  }

  /** These have been sent to just now: their time to acknowledge begins. @param mayStartUntil as in the options */
  start(nodes: readonly string[], mayStartUntil?: number): void {
    const { ackTimeoutMs, hopeless, isUnderWay } = this.#options;
    const started = nodes.filter((node) => this.#planned.delete(node));
    const sentAt = this.#deps.clock.monotonic();
    for (const node of started)
      this.#waiting.set(node, { sentAt, mayStartUntil, heardAt: isUnderWay === true ? sentAt : undefined });
    this.#after(ackTimeoutMs / 2, () => this.#tryAgain(started));
    this.#after(ackTimeoutMs, () => this.#giveUpOnSilent(started));
    for (const node of started) {
      const why = hopeless.get(node);
      if (why !== undefined) this.#decide(node, 'unreachable', why);
    }
    this.#endIfComplete();
  }

  /** These are never sent to. */
  skip(nodes: readonly string[], { code, reason }: { readonly code: string; readonly reason: string }): void {
    for (const node of nodes) {
      if (!this.#planned.delete(node)) continue;
      this.#ended.add(node);
      this.#deps.onNode({ node, state: 'skipped', code, reason, ms: null });
    }
    this.#endIfComplete();
  }

  /** Whoever leads the job has concluded this of a node. */
  conclude(result: NodeResult): void {
    const { node } = result;
    if (!this.#planned.delete(node) && !this.#waiting.has(node)) return;
    this.#remove(node);
    this.#deps.onNode(result);
    this.#endIfComplete();
  }

  /** These are away, and what was sent lies in their queues: silence says nothing of them. */
  hold(nodes: readonly string[]): void {
    for (const node of nodes) if (this.#waiting.has(node)) this.#held.add(node);
  }

  /** Nobody waits any more for those of them that haven't been heard of; who is heard of after all is waited for again. */
  leave(nodes: readonly string[]): void {
    for (const node of nodes) {
      const waiting = this.#waiting.get(node);
      if (waiting === undefined || waiting.heardAt !== undefined) continue;
      this.#waiting.delete(node);
      this.#left.set(node, waiting);
    }
    this.#endIfComplete();
  }

  /** Who was left, and not heard of since. */
  get left(): string[] {
    return [...this.#left.keys()];
  }

  /** Who is held, and has not been heard of. */
  get held(): string[] {
    return [...this.#held].filter((node) => this.#waiting.has(node));
  }

  /** Whether every expected node has its final state. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nodes that were sent to, and have no final state. */
  get waiting(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Whether it was sent to, and has no final state. */
  isWaitingFor(node: string): boolean {
    return this.#waiting.has(node);
  }

  /** Nodes that were not sent to so far. */
  get planned(): string[] {
    return [...this.#planned];
  }

  take(result: Result): void {
    const { node } = result;
    if (this.#ended.has(node)) return;
    this.#held.delete(node);
    const left = this.#left.get(node);
    if (left !== undefined) this.#waiting.set(node, left);
    this.#left.delete(node);
    const waiting = this.#waiting.get(node);
    if (waiting === undefined && !this.#options.welcome.has(node)) return;
    switch (result.kind) {
      case 'ack':
      case 'output':
        if (waiting !== undefined) waiting.heardAt = this.#deps.clock.monotonic();
        return;
      case 'unmatched':
        this.#remove(node);
        if (waiting !== undefined) this.#deps.onUnmatched(node);
        break;
      case 'result':
        // Without a state it's no final, but a sign of life.
        if (result.state === undefined) {
          if (waiting !== undefined) waiting.heardAt = this.#deps.clock.monotonic();
          return;
        }
        this.#remove(node);
        this.#deps.onNode({
          node,
          state: result.state,
          ...(result.code === undefined ? {} : { code: result.code }),
          reason: result.reason ?? null,
          ...(result.data === undefined ? {} : { data: result.data }),
          ms: this.#elapsed(waiting),
          ...(waiting === undefined ? { unexpected: true as const } : {}),
        });
        break;
    }
    this.#endIfComplete();
  }

  /**
   * Ends the wait: nothing more will come, or nobody wants to know. Who was never heard of is unreachable.
   * @param event what happened, to complete "had not answered when"
   * @returns who has no state: that nobody waits says nothing of what runs there
   */
  stop(event: string): OpenNode[] {
    for (const node of this.#silent([...this.#waiting.keys()]))
      this.#decide(node, 'unreachable', `had not answered when ${event}`);
    const [running, toCome] = [this.waiting, this.planned];
    this.cease();
    return [
      ...running.map((node) => ({ node, is: 'running', reason: `had not ended when ${event}` }) as const),
      ...toCome.map((node) => ({ node, is: 'to-come', reason: `its turn had not come when ${event}` }) as const),
    ];
  }

  /** Somebody else sends to who was not sent to: nobody waits for them here. @returns who they are */
  handOn(): string[] {
    const handed = this.planned;
    this.#planned.clear();
    this.#endIfComplete();
    return handed;
  }

  /** Ends the wait without a word on who is still waited for: somebody else says how they end. */
  cease(): void {
    this.#waiting.clear();
    this.#planned.clear();
    this.#end();
  }

  #tryAgain(nodes: readonly string[]): void {
    const silent = this.#silent(nodes);
    if (silent.length > 0) this.#deps.tryAgain(silent);
  }

  #giveUpOnSilent(nodes: readonly string[]): void {
    const waitedMs = this.#options.ackTimeoutMs;
    const silent = this.#silent(nodes);
    const { onSilent } = this.#deps;
    if (onSilent !== undefined && silent.length > 0) {
      this.hold(silent);
      onSilent(silent);
    }
    for (const node of onSilent === undefined ? silent : [])
      this.#decide(node, 'unreachable', `no answer within ${formatSeconds(waitedMs)}, asked twice`);
    this.#endIfComplete();
    if (!this.#looksForLost) this.#after(LIMITS.heartbeatMs, () => this.#giveUpOnLost());
    this.#looksForLost = true;
  }

  #giveUpOnLost(): void {
    const now = this.#deps.clock.monotonic();
    for (const [node, { heardAt }] of this.#waiting)
      if (heardAt !== undefined && !this.#held.has(node) && now - heardAt > LIMITS.heartbeatLossMs)
        this.#decide(
          node,
          'lost',
          this.#options.isUnderWay === true
            ? `no result recorded, and no sign of life for over ${formatSeconds(LIMITS.heartbeatLossMs)}; it may have run`
            : `acknowledged, then silent for over ${formatSeconds(LIMITS.heartbeatLossMs)}; it may have run`,
        );
    this.#endIfComplete();
    this.#after(1_000, () => this.#giveUpOnLost());
  }

  #giveUpAtDeadline(): void {
    for (const [node, { heardAt }] of this.#waiting)
      if (heardAt === undefined) this.#decide(node, 'unreachable', 'no answer before the deadline');
      else this.#decide(node, 'lost', 'still running at the deadline, and did not say that it was stopped');
    this.#endIfComplete();
  }

  #decide(node: string, state: 'unreachable' | 'lost', reason: string): void {
    const mayStartUntil = this.#waiting.get(node)?.mayStartUntil;
    const { hopeless } = this.#options;
    this.#remove(node);
    // What can't answer validly was sent nothing.
    const isProvisional =
      state === 'unreachable' &&
      !hopeless.has(node) &&
      mayStartUntil !== undefined &&
      this.#deps.clock.now() <= mayStartUntil;
    const away = state === 'unreachable' && !hopeless.has(node) ? this.#deps.wordsOfSilent?.(node) : undefined;
    const why = away === undefined ? reason : `${reason}; ${away}`;
    this.#deps.onNode({
      node,
      state,
      isVerdict: true,
      reason: isProvisional ? `${why}; it may still start until ${formatTimeOfDay(mayStartUntil)}` : why,
      ms: null,
      ...(isProvisional ? { provisional: true as const } : {}),
    });
  }

  #silent(nodes: readonly string[]): string[] {
    return nodes.filter((node) => {
      const waiting = this.#waiting.get(node);
      return waiting !== undefined && waiting.heardAt === undefined;
    });
  }

  #remove(node: string): void {
    this.#waiting.delete(node);
    this.#ended.add(node);
  }

  #endIfComplete(): void {
    if (this.#waiting.size + this.#planned.size === 0) this.#end();
  }

  #end(): void {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#finish();
  }

  #after(ms: number, run: () => void): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #elapsed(waiting: Waiting | undefined): number {
    const since = waiting?.sentAt ?? this.#startedAt;
    return Math.round((this.#deps.clock.monotonic() - since) * 100) / 100;
  }
}

/** As the clock on the wall has it, where the caller sits: `14:41:27`. */
const formatTimeOfDay = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);
const formatSeconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;
