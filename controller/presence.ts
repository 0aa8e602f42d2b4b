/**
 * Who is there now? Nobody watches the nodes for a command line, so they are asked: a reading `ping` that every agent
 * answers by itself, with a refusal where its policy has none for this caller. Ends with the last answer; only where some
 * are silent, it waits a little longer for them. For fleet.ts.
 */
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { InterruptedError, TransportError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import type { BusWatch } from './bus-watch.ts';
import type { RosterNode } from './directory.ts';
import { planCommand, type Plan } from './plan.ts';
import { publishCommand } from './publish.ts';
import { Receiver, type ReceiverDependencies } from './receive.ts';
import { createJobId, type SignedCommand, type SigningContext } from './request.ts';
import { createTarget } from './target.ts';

export interface PresenceOptions {
  /** Who is asked. Of those whose credential doesn't hold, no answer could be read: they are not away. */
  readonly nodes: readonly RosterNode[];
  readonly roster: ReadonlyMap<string, RosterNode>;
  /** How long it may be quiet until who is silent is away; they are asked a second time at half of it. */
  readonly ackTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PresenceDependencies extends Pick<ReceiverDependencies, 'keyWith'> {
  readonly caller: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly watch: Pick<BusWatch, 'assertThere' | 'breaks' | 'onLost'>;
  /** Without epochs: a node that has to fetch a document first is there, too. */
  readonly signing: () => Omit<SigningContext, 'epochs'>;
}

const PING = { action: 'ping', effect: 'reads', args: {}, dryRun: false } as const;

/** Names of those that are silent. @throws TransportError `bus-lost`; InterruptedError */
export async function findAway(
  options: PresenceOptions,
  dependencies: PresenceDependencies,
): Promise<ReadonlySet<string>> {
  const { watch } = dependencies;
  let silent = options.nodes.filter(({ credential }) => credential !== undefined);
  for (;;) {
    watch.assertThere();
    const { breaks } = watch;
    const names = silent.length === 0 ? new Set<string>() : await ask(silent, options, dependencies);
    // What was answered while the connection was away is not known: they are asked once more.
    if (names.size === 0 || watch.breaks === breaks) return names;
    silent = silent.filter(({ name }) => names.has(name));
  }
}

async function ask(
  nodes: readonly RosterNode[],
  { ackTimeoutMs, roster, signal }: PresenceOptions,
  dependencies: PresenceDependencies,
): Promise<ReadonlySet<string>> {
  const { bus, caller, clock, keyWith, signing, subjects, trust, watch } = dependencies;
  const fleetSize = [...roster.values()].filter(({ state }) => state === 'joined').length;
  const resolved = { expected: nodes, undecided: new Set<string>(), fleetSize };
  const job = createJobId(clock.now());
  const plan = await planCommand(
    PING,
    createTarget({}),
    { resolved, roster },
    { job, ackTimeoutMs, acceptsMac: keyWith !== undefined },
    signing(),
  );
  const silent = new Set(nodes.map(({ name }) => name));
  const receiver = new Receiver({ caller, job }, { subjects, trust, keyWith });
  const send = (command: SignedCommand, only?: ReadonlySet<string>): void => {
    receiver.expectAnswersTo(command);
    publishCommand(command, { bus, subjects }, only);
  };
  let stop: () => void = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const quiet = new QuietTime(ackTimeoutMs / 2, {
        onQuiet: () => void tryAgain(plan, silent, signing(), send).catch(reject),
        onOver: resolve,
      });
      const subject = subjects.resultsOf(caller, job);
      const subscription = bus.subscribe(subject, (message) => {
        const node = receiver.receive(message)?.node;
        if (node === undefined || !silent.delete(node)) return;
        if (silent.size === 0) resolve();
        else quiet.restart();
      });
      const unwatch = watch.onLost(subject, (why) => reject(lost(why)));
      const interrupt = (): void =>
        reject(new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' }));
      signal?.addEventListener('abort', interrupt, { once: true });
      stop = (): void => {
        quiet.end();
        subscription.close();
        unwatch();
        signal?.removeEventListener('abort', interrupt);
      };
      if (signal?.aborted === true) return interrupt();
      for (const command of plan.commands) send(command);
    });
  } finally {
    stop();
  }
  return silent;
}

/** An answer may have been on its way while it was signed. */
async function tryAgain(
  plan: Plan,
  silent: ReadonlySet<string>,
  signing: SigningContext,
  send: (command: SignedCommand, only: ReadonlySet<string>) => void,
): Promise<void> {
  for (const command of await plan.again([...silent], signing)) send(command, silent);
}

/** Calls back after the first time without an answer, and after the second; no later than the limit, come what may. */
class QuietTime {
  readonly #ms: number;
  readonly #on: { readonly onQuiet: () => void; readonly onOver: () => void };
  readonly #limit: NodeJS.Timeout;
  #timer: NodeJS.Timeout;
  #isSecond = false;

  constructor(ms: number, on: { readonly onQuiet: () => void; readonly onOver: () => void }) {
    this.#ms = ms;
    this.#on = on;
    this.#limit = setTimeout(on.onOver, LIMITS.presenceMs + 2 * ms);
    this.#timer = this.#start();
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#limit);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#isSecond) return this.#on.onOver();
      this.#isSecond = true;
      this.#on.onQuiet();
      this.restart();
    }, this.#ms);
  }
}

const lost = (why: string): TransportError =>
  new TransportError(`${why}; nothing was sent`, {
    code: 'bus-lost',
    hint: 'Check that nats-server runs, and send it again.',
  });
