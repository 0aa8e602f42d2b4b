/**
 * The fleet, as a program talks to it: everything that the command line does stands on this. One connection, one caller;
 * `resolve` says who is meant, `run` does it and gives every node's final state.
 */
import type { Bus } from '../shared/bus.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import { InterruptedError, UsageError } from '../shared/errors.ts';
import { readIdentity, type Identity } from '../shared/identity.ts';
import { LIMITS } from '../shared/limits.ts';
import { connectBus } from '../shared/nats-bus.ts';
import { Subjects } from '../shared/subjects.ts';
import { TrustStore } from '../shared/trust.ts';
import { formatWhere } from '../shared/where/format.ts';
import type { InventoryBody, InventoryHead } from '../shared/wire/inventory.ts';
import { createSharing } from './aggregate/share.ts';
import { BusWatch } from './bus-watch.ts';
import { Collector } from './collect.ts';
import { readInventory, readInventoryHeads, readRoster, type Directory, type RosterNode } from './directory.ts';
import { publishCommand } from './publish.ts';
import { Receiver } from './receive.ts';
import type { NodeResult } from './report.ts';
import {
  createJobId,
  signBroadcast,
  signDirect,
  type CommandRequest,
  type SignedCommand,
  type SigningContext,
} from './request.ts';
import { resolveTarget, type Resolved, type TargetSpec } from './resolve.ts';
import { createTarget, type TargetDescription } from './target.ts';

export interface FleetOptions {
  readonly servers: readonly string[];
  /** Path of the caller's identity file. */
  readonly identity: string;
  readonly tls?: { readonly caFile?: string | undefined } | undefined;
  readonly jsDomain?: string | undefined;
}

export interface RunOptions {
  /** How long a node has to acknowledge, in milliseconds. @default 2000 */
  readonly ackTimeoutMs?: number | undefined;
  /** For the whole command, in milliseconds; nodes stop what they run by then. */
  readonly deadlineMs?: number | undefined;
  readonly onNode?: (result: NodeResult) => void;
  /** Called when something has changed in who is waited for. */
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly expected: number;
    readonly waiting: string[];
  }) => void;
  /** Aborting stops the wait; the nodes go on. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  readonly job: string;
  readonly nodes: readonly NodeResult[];
  /** Expected nodes whose live facts don't match. */
  readonly unmatched: readonly string[];
  /** Nodes that were still waited for when `signal` aborted; their states are what was true then. */
  readonly abandoned: readonly string[];
  /** Why the bus was lost while nodes were waited for; their states are what was true then. */
  readonly lostBus: string | undefined;
  /** Answers that were not what they said: forged, misplaced or damaged. */
  readonly rejected: number;
  readonly ms: number;
}

export class Fleet {
  readonly name: string;
  readonly #identity: Identity;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #subjects: Subjects;
  readonly #trust: TrustStore;
  readonly #revisions = new Map<string, number>();
  readonly #watch: BusWatch;
  readonly #problems: string[] = [];
  #directory: Promise<Directory> | undefined;

  private constructor(identity: Identity, bus: Bus, trust: TrustStore, clock: Clock) {
    this.name = identity.fleet;
    this.#identity = identity;
    this.#bus = bus;
    this.#watch = new BusWatch(bus);
    this.#clock = clock;
    this.#subjects = new Subjects(identity.fleet);
    this.#trust = trust;
  }

  /** @throws SettingsError for a missing, broken or expired identity; TransportError when the bus isn't there. */
  static async connect(options: FleetOptions, clock: Clock = systemClock): Promise<Fleet> {
    const identity = readIdentity(options.identity);
    const trust = new TrustStore({ fleetId: identity.fleetId, roots: identity.roots }, { clock });
    assertUsable(identity, trust, options.identity);
    const { servers, tls, jsDomain } = options;
    const bus = await connectBus({
      servers,
      tls,
      jsDomain,
      name: identity.name,
      loginSeed: identity.loginSeed,
      patient: false,
    });
    return new Fleet(identity, bus, trust, clock);
  }

  /** Whom a command is for. @throws UsageError for what can't be read */
  static target(description: TargetDescription): TargetSpec {
    return createTarget(description);
  }

  /** The name under which commands are signed. */
  get caller(): string {
    return this.#identity.name;
  }

  /** Who belongs to the fleet; read once for the life of the connection. */
  roster(): Promise<Directory> {
    this.#directory ??= readRoster(this.#source()).then((directory) => {
      this.#problems.push(...directory.problems);
      return directory;
    });
    return this.#directory;
  }

  /** What was left out of roster and inventory so far, each with its reason. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** What the nodes published about themselves, by name. */
  async inventory(): Promise<ReadonlyMap<string, InventoryBody>> {
    const { roster } = await this.roster();
    const { bodies, problems } = await readInventory(this.#source(), roster);
    this.#problems.push(...problems);
    return bodies;
  }

  async inventoryHeads(): Promise<ReadonlyMap<string, InventoryHead>> {
    const { roster } = await this.roster();
    const { heads, problems } = await readInventoryHeads(this.#source(), roster);
    this.#problems.push(...problems);
    return heads;
  }

  /** The expected set of a target. Reads the inventory only where the target asks for facts. */
  async resolve(target: TargetSpec, inventory?: ReadonlyMap<string, InventoryBody>): Promise<Resolved> {
    const { roster } = await this.roster();
    const needed = target.where !== undefined && !target.fresh;
    return resolveTarget(target, roster, inventory ?? (needed ? await this.inventory() : undefined));
  }

  /**
   * Sends a command to resolved nodes, and waits until every one of them has its final state.
   * @throws InterruptedError when `signal` was aborted before anything was sent; TransportError when the bus was lost then
   */
  async run(
    request: Omit<CommandRequest, 'where'>,
    target: TargetSpec,
    resolved: Resolved,
    options: RunOptions = {},
  ): Promise<RunResult> {
    assertWanted(options.signal);
    const started = this.#clock.monotonic();
    const job = createJobId(this.#clock.now());
    const names = resolved.expected.map(({ name }) => name);
    const ackTimeoutMs = options.ackTimeoutMs ?? LIMITS.ackTimeoutMs;
    // Who is told that a node did not answer has to know when it no longer can.
    const startWithinMs =
      request.effect === 'changes'
        ? Math.min(ackTimeoutMs, options.deadlineMs ?? Infinity) + LIMITS.startSlackMs
        : undefined;
    const withTarget: CommandRequest = {
      ...request,
      startWithinMs,
      ...(target.where === undefined ? {} : { where: formatWhere(target.where) }),
      timeoutMs: shorter(request.timeoutMs, options.deadlineMs),
    };
    const isOpen = request.effect === 'reads' && isOpenTarget(target);
    const signing = this.#signing();
    const sendable = resolved.expected.filter(({ credential }) => credential !== undefined).map(({ name }) => name);
    const commands =
      isOpen && isBroadcastWorthIt(resolved)
        ? [await signBroadcast(withTarget, job, { ask: resolved.undecided.size > 0 }, signing)]
        : await signDirect(withTarget, job, sendable, signing);
    const welcome = isOpen ? joinedOf((await this.roster()).roster) : NOBODY;
    assertWanted(options.signal);
    this.#watch.assertThere();

    const nodes: NodeResult[] = [];
    // Thousands of nodes give the same output: it is kept once.
    const share = createSharing();
    const unmatched: string[] = [];
    const receiver = new Receiver({ caller: this.caller, job }, { subjects: this.#subjects, trust: this.#trust });
    const send = (command: SignedCommand, only?: ReadonlySet<string>): void => {
      receiver.expectAnswersTo(command);
      publishCommand(command, { bus: this.#bus, subjects: this.#subjects }, only);
    };
    let fail: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => (fail = reject));
    // Asked for when it is drawn, a few times a second, and not at each of ten thousand answers.
    const progress = {
      get done() {
        return nodes.length + unmatched.length;
      },
      expected: names.length,
      get waiting() {
        return collector.waiting;
      },
    };
    const answers = this.#subjects.resultsOf(this.caller, job);
    const subscription = this.#bus.subscribe(answers, (message) => {
      const result = receiver.receive(message);
      if (result === undefined) return;
      collector.take(result);
      options.onProgress?.(progress);
    });
    const collector = new Collector(
      {
        expected: names,
        hopeless: hopelessOf(resolved.expected),
        ackTimeoutMs,
        deadlineMs: options.deadlineMs,
        // By the clock of the node, which may be behind.
        mayStartUntil: startWithinMs === undefined ? undefined : signing.now + startWithinMs + LIMITS.clockSkewMs,
        welcome,
      },
      {
        clock: this.#clock,
        tryAgain: (silent) => void this.#tryAgain(commands, withTarget, job, silent, send).catch(fail),
        onNode: (received) => {
          const result = share(received);
          nodes.push(result);
          options.onNode?.(result);
        },
        onUnmatched: (node) => unmatched.push(node),
      },
    );
    let abandoned: string[] = [];
    const stop = (): void => {
      abandoned = collector.waiting;
      collector.stop('the wait was interrupted');
    };
    let lostBus: string | undefined;
    const unwatch = this.#watch.onLost(answers, (why) => {
      if (collector.waiting.length === 0) return;
      lostBus = why;
      collector.stop('the bus was lost');
    });
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      for (const command of commands) send(command);
      await Promise.race([collector.done, failed]);
    } finally {
      collector.stop('the command failed');
      options.signal?.removeEventListener('abort', stop);
      unwatch();
      subscription.close();
    }
    return {
      job,
      nodes,
      unmatched,
      abandoned,
      lostBus,
      rejected: receiver.rejected,
      ms: Math.round((this.#clock.monotonic() - started) * 100) / 100,
    };
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.#bus.close();
  }

  /** The same bytes once more, direct; a broadcast, which was signed for another way, is signed anew for the silent. */
  async #tryAgain(
    commands: readonly SignedCommand[],
    request: CommandRequest,
    job: string,
    silent: readonly string[],
    send: (command: SignedCommand, only?: ReadonlySet<string>) => void,
  ): Promise<void> {
    // Its end is noticed elsewhere.
    if (this.#watch.lost !== undefined) return;
    const only = new Set(silent);
    const broadcast = commands.some(({ nodes }) => nodes === undefined);
    const again = broadcast ? await signDirect(request, job, silent, this.#signing()) : commands;
    if (this.#watch.lost !== undefined) return;
    for (const command of again) send(command, only);
  }

  #signing(): SigningContext {
    return {
      fleetId: this.#identity.fleetId,
      identity: this.#identity,
      now: this.#clock.now(),
      maxPayloadBytes: this.#bus.maxPayloadBytes,
    };
  }

  #source(): Parameters<typeof readRoster>[0] {
    return {
      fleet: this.name,
      bus: this.#bus,
      subjects: this.#subjects,
      trust: this.#trust,
      revisions: this.#revisions,
    };
  }
}

/** Before anything is sent. @throws InterruptedError */
function assertWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
}

function assertUsable(identity: Identity, trust: TrustStore, path: string): void {
  const { kind, name } = identity.credential.body;
  if (kind !== 'operator' && kind !== 'service')
    throw new UsageError(`the identity ${path} is of the ${kind} ${name}, and commands are for operators`, {
      code: 'identity-unusable',
      hint: 'Use the identity file that `fleet init` made for you.',
    });
  try {
    trust.verify(identity.credential);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new UsageError(`the identity ${path} can't be used: ${why}`, {
      code: 'identity-unusable',
      hint: 'Have it renewed with `fleet ca renew operator NAME`, and check the clock of this machine.',
      cause,
    });
  }
}

function hopelessOf(expected: readonly RosterNode[]): Map<string, string> {
  return new Map(
    expected.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [[name, `its answers can't be trusted: ${problem}`] as const],
    ),
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** Those whose answers can be read, too: asking for a credential verifies it. */
function joinedOf(roster: ReadonlyMap<string, RosterNode>): ReadonlySet<string> {
  return new Set(
    [...roster.values()].flatMap((node) =>
      node.state === 'joined' && node.credential !== undefined ? [node.name] : [],
    ),
  );
}

/** Open: whoever matches is meant, not a list of names. */
function isOpenTarget(target: TargetSpec): boolean {
  return target.nodes.length === 0 && target.exclude.length === 0 && target.limit === undefined;
}

/** One message for all, when there are too many to send to each, or few that it would wake for nothing. */
function isBroadcastWorthIt({ expected, fleetSize }: Resolved): boolean {
  return expected.length > LIMITS.directNodes || fleetSize - expected.length <= LIMITS.needlessWakes;
}

function shorter(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
