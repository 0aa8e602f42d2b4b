/**
 * The daemon's life: starting → ready ⇄ deaf → draining → stopped.
 *
 * - starting: reads identity and policy, opens the replay memory, connects (for as long as it takes), compares what the
 *   bus remembers of this node with what the node remembers.
 * - ready: subscribed; commands are answered, facts are collected and published.
 * - deaf: started, but the bus refuses a subscription: commands may not arrive. Asked for again until it's granted.
 * - draining: no new commands; what runs is waited for, then programs are left to the next agent, and the rest is ended.
 * - stopped: nothing of it is left.
 */
import { join } from 'node:path';
import type { Bus, BusMessage } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { readIdentity } from '../shared/identity.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import { connectBus } from '../shared/nats-bus.ts';
import { PairwiseKeys } from '../shared/pairwise.ts';
import { SealOpener } from '../shared/sealing.ts';
import { Subjects } from '../shared/subjects.ts';
import { TrustStore } from '../shared/trust.ts';
import type { NodeEventType } from '../shared/wire/event.ts';
import { offerActions } from './actions/offer.ts';
import type { NodeAudit } from './audit/node-audit.ts';
import { openNodeAudit } from './audit/open-node-audit.ts';
import { whenBusy } from './busy.ts';
import { ControlDocuments } from './control/control-documents.ts';
import { PolicyTaker } from './control/policy-taker.ts';
import { RevocationTaker } from './control/revocation-taker.ts';
import { RootsTaker } from './control/roots-taker.ts';
import { Counters } from './counters.ts';
import type { Emulation } from './emulate/emulation.ts';
import { Finals } from './finals.ts';
import { createEventTeller } from './tell-events.ts';
import { createFactStore } from './facts/create-fact-store.ts';
import type { FactStore } from './facts/fact-store.ts';
import { FactSubjects } from './fact-subjects.ts';
import { InventoryPublisher } from './inventory-publisher.ts';
import { RunningCommands } from './jobs/running-commands.ts';
import { controlFolder, OwnCredential } from './own-credential.ts';
import { Outbox } from './outbox/outbox.ts';
import { OutputSenders } from './output/output-senders.ts';
import { openPrograms } from './open-programs.ts';
import { assertNode } from './assert-node.ts';
import { openMemory, stateUnusable, takeLock } from './open-state.ts';
import { Pipeline } from './pipeline.ts';
import { NodeQueue } from './queue/node-queue.ts';
import { readOwnPolicy } from './read-own-policy.ts';
import { ProcTable, type ProcessScope } from './process/process-table.ts';
import { Users } from './process/users.ts';
import { Recovery } from './recover.ts';
import type { ReplayMemory } from './replay/replay-memory.ts';
import type { AgentSettings } from './settings.ts';
import type { RunnerProgram } from './spool/launch-runner.ts';
import type { ProgramSpool } from './spool/program-spool.ts';
import type { StateLock } from './state-lock.ts';
import { ExclusiveTasks } from './tasks/exclusive-tasks.ts';
import { TaskStore } from './tasks/task-store.ts';

export interface AgentDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Identity of this boot of the machine. */
  readonly bootId: string;
  /** PATH: where language runtimes are looked for first. */
  readonly path: string;
  /** Called once when the agent has a lot to do. */
  readonly onBusy?: () => void;
  /** What an emulated node has in place of a machine. @default nothing: it's a real one */
  readonly emulation?: Emulation | undefined;
  /** Who looks after programs, so that they outlive the agent. @default the agent's own process does */
  readonly runner?: RunnerProgram;
}

export type AgentState = 'starting' | 'ready' | 'deaf' | 'draining' | 'stopped';

export class Agent {
  readonly #settings: AgentSettings;
  readonly #deps: AgentDependencies;
  readonly #stop = new AbortController();
  #state: AgentState = 'starting';
  #running: RunningParts | undefined;
  #lock: StateLock | undefined;

  constructor(settings: AgentSettings, dependencies: AgentDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
  }

  get state(): AgentState {
    return this.#state;
  }

  /**
   * Resolves when the agent is ready, or deaf.
   * @throws SettingsError when identity, policy or state can't be used. A bus that isn't there is waited for.
   */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.#lock?.release().catch(() => undefined);
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { clock, emulation, log, bootId, path } = this.#deps;
    const settings = this.#settings;
    const identity = readIdentity(settings.identity);
    const subjects = new Subjects(identity.fleet);
    const trust = new TrustStore({ fleetId: identity.fleetId, roots: identity.roots }, { clock });
    const decided = controlFolder(settings.stateDir);
    const own = await OwnCredential.open(decided, identity, { trust, subjects, clock, log });
    // One that came over the bus may hang on roots that are known only once the bus is there.
    if (own.credential === identity.credential) assertNode(identity, trust, settings.identity);
    const ownPolicy = await readOwnPolicy(settings.policy);
    const node = identity.name;
    const counters = new Counters();

    this.#lock = await takeLock(settings.stateDir, bootId);
    const facts = createFactStore(
      {
        name: node,
        settings: settings.facts,
        trusted: own.credential.body.trusted,
        stateFile: join(settings.stateDir, 'facts.json'),
        factsFolder: settings.factsDir,
        path,
        collectors: emulation?.collectors,
      },
      { clock, log },
    );
    const memory = await openMemory(settings.stateDir, bootId, this.#deps);
    facts.start();
    const tasks = new TaskStore({ folder: settings.tasksDir });
    const bus = await connectBus({
      servers: settings.servers,
      name: node,
      loginSeed: identity.loginSeed,
      loginJwt: () => own.loginJwt,
      tls: settings.tls,
      jsDomain: settings.jsDomain,
      patient: true,
      onWait: (error) => log.error({ code: error.code, hint: error.hint }, error.message),
    });
    const fleetPolicy = new PolicyTaker({ trust, subjects, clock, log });
    const takers = [
      fleetPolicy,
      new RootsTaker({ trust, subjects }),
      await RevocationTaker.open(decided, { trust, subjects, clock, log }),
    ];
    const control = new ControlDocuments({ fleet: identity.fleet, folder: decided, takers }, { bus, log, subjects });
    await control.restore();
    own.introduce();
    const audit = await openNodeAudit(
      { fleet: identity.fleet, fleetId: identity.fleetId, node, stateDir: settings.stateDir },
      { bus, clock, log, subjects, identity: own, sensitiveOf: (task) => tasks.sensitiveOf(task) },
    ).catch((cause: unknown) => {
      throw stateUnusable(settings.stateDir, cause);
    });
    const users = new Users();
    const scope = processScope(settings);
    const running = new RunningCommands();
    const exclusive = new ExclusiveTasks();
    const { programs, spool } = openPrograms(settings, scope, { clock, log, users, runner: this.#deps.runner });
    const offered = offerActions({
      clock,
      epochs: () => ({ policy: control.revision('policy'), revoked: control.revision('revoked') }),
      counters,
      facts,
      tasks,
      logFolders: settings.logs.folders,
      users,
      table: new ProcTable({ scope }, { users, clock }),
      protection: {
        self: process.pid,
        nodeFile: process.execPath,
        protectedPids: () => (spool?.runnerPid === undefined ? [] : [spool.runnerPid]),
        busConnection: () => bus.connection,
      },
      programs,
      exclusive,
    });
    const actions = emulation?.actions(offered) ?? offered;
    const factSubjects = new FactSubjects({ indexed: settings.indexed }, { bus, subjects, accept: (message) => accept(message) }); // prettier-ignore
    const publisher = new InventoryPublisher(
      { fleet: identity.fleet, node, stateDir: settings.stateDir, indexed: settings.indexed },
      {
        bus,
        clock,
        log,
        subjects,
        identity: own,
        trust,
        content: async () => {
          const stable = facts.stable();
          return {
            facts: stable,
            // Nobody reads of a fact before it's listened for.
            indexed: await factSubjects.follow(stable),
            volatile: facts.snapshot().volatile,
            actions: [...actions.keys()],
            tasks: await tasks.list(),
            taskProblems: await tasks.problems(),
          };
        },
      },
    );
    if (await publisher.wasRolledBack())
      await memory.distrust('the bus knows a later state of this node than its own disk');

    const outbox = await Outbox.open(
      { folder: join(settings.stateDir, 'outbox'), ...settings.outbox },
      { bus, clock, log, heardAt: (subject) => subjects.heardAt(subject) },
      ({ key, kind, final, messages }) => kind === 'final' && memory.recall(key, messages, final),
    ).catch((cause: unknown) => {
      throw stateUnusable(settings.stateDir, cause);
    });
    const outputs = new OutputSenders({ bus, log });
    const pipeline = new Pipeline({
      node,
      identity: own,
      opener: new SealOpener(identity.boxSecret),
      pairwise: new PairwiseKeys('node', identity),
      bus,
      clock,
      log,
      subjects,
      trust,
      memory,
      control,
      facts,
      actions,
      counters,
      audit,
      outbox,
      outputs,
      spool,
      policies: () => ({ fleet: fleetPolicy.current, node: ownPolicy }),
      holdsQueued: (message) => queue.holds(message),
      running,
      stop: this.#stop.signal,
    });
    const queue = new NodeQueue(
      { fleet: identity.fleet, node },
      { bus, log, subjects, control, carryOut: (message) => pipeline.carryOut(message), random: Math.random },
    );
    const recovery = new Recovery({
      node,
      identity: own,
      bus,
      clock,
      log,
      subjects,
      fleetId: identity.fleetId,
      memory,
      finals: new Finals({ clock, log, memory, outbox }),
      audit,
      spool,
      outputs,
      exclusive,
      running,
      maxAgeMs: settings.spool.maxAgeMs,
    });
    const noteMessage = whenBusy(this.#deps.onBusy ?? (() => undefined));
    const accept = (message: BusMessage): void => {
      noteMessage(clock.monotonic());
      if (emulation === undefined) pipeline.accept(message);
      else emulation.deliver(() => pipeline.accept(message));
    };
    const wanted = [subjects.commandNode(node), subjects.commandAll()];
    const refused = new Set<string>();
    const tell = createEventTeller(
      { node, boot: bootId },
      { bus, clock, log, subjects, identity: own, fleetId: trust.fleetId },
    );
    const tellReady = (): void => {
      this.#state = 'ready';
      log.info({ node, fleet: identity.fleet, server: bus.connection?.server }, 'ready');
    };
    bus.onEvent((event) => {
      if (event.type === 'refused')
        log.warn(event, 'the bus refused something: its configuration may be of another version');
      else if (event.type === 'login-refused')
        log.error({ error: event.error.message, hint: event.error.hint }, 'the bus refuses the login');
      else log.info({ ...event, event: event.type }, 'the bus connection changed');
      if (event.type === 'reconnected') void publisher.verify();
      if (event.type === 'refused' && event.operation === 'subscription' && wanted.includes(event.subject)) {
        refused.add(event.subject);
        if (this.#state === 'ready') this.#state = 'deaf';
        log.error({ subject: event.subject }, 'not ready: the bus refuses a subscription, so commands do not arrive');
      }
      if (event.type === 'subscribed' && refused.delete(event.subject) && refused.size === 0 && this.#state === 'deaf')
        tellReady();
    });
    await control.start();
    await recovery.start();
    void own.start(bus, { known: () => control.waitFor(undefined), onChange: () => void publisher.renew() });
    const subscriptions = wanted.map((subject) => bus.subscribe(subject, accept));
    await bus.flush();
    queue.start();
    void publisher.update();
    facts.onChange(() => void publisher.update());
    const taskCheck = setInterval(() => void publisher.update(), LIMITS.taskCheckMs).unref();
    this.#running = {
      audit,
      bus,
      control,
      facts,
      memory,
      outbox,
      outputs,
      own,
      pipeline,
      publisher,
      queue,
      recovery,
      spool,
      tell,
      unsubscribe: () => {
        clearInterval(taskCheck);
        for (const subscription of subscriptions) subscription.close();
        factSubjects.close();
      },
    };
    if (refused.size === 0) tellReady();
    else this.#state = 'deaf';
    await tell('started');
  }

  /** Takes nothing new, waits a while for what runs, leaves programs to the next agent, ends the rest, lets go of all. */
  async stop(): Promise<void> {
    const parts = this.#running;
    if (parts === undefined || (this.#state !== 'ready' && this.#state !== 'deaf')) return;
    this.#state = 'draining';
    const { audit, bus, control, facts, memory, outbox, outputs, own, pipeline, publisher, recovery, spool } = parts;
    const { queue, tell, unsubscribe } = parts;
    unsubscribe();
    publisher.stop();
    await queue.stop();
    await tell('leaving');
    const patience = setTimeout(() => {
      spool?.leave();
      memory.leaveRunning();
      this.#stop.abort('cancelled');
    }, LIMITS.drainMs);
    await Promise.all([pipeline.idle(), recovery.idle()]);
    clearTimeout(patience);
    await outputs.close();
    spool?.close();
    await outbox.close();
    await facts.stop();
    await control.stop();
    await own.stop();
    await memory.close();
    await audit.close();
    await bus.close();
    await this.#lock?.release().catch(() => undefined);
    this.#state = 'stopped';
  }
}

interface RunningParts {
  readonly audit: NodeAudit;
  readonly bus: Bus;
  readonly control: ControlDocuments;
  readonly facts: FactStore;
  readonly memory: ReplayMemory;
  readonly outbox: Outbox;
  readonly outputs: OutputSenders;
  readonly own: OwnCredential;
  readonly pipeline: Pipeline;
  readonly publisher: InventoryPublisher;
  readonly queue: NodeQueue;
  readonly recovery: Recovery;
  readonly spool: ProgramSpool | undefined;
  readonly tell: (type: NodeEventType) => Promise<void>;
  readonly unsubscribe: () => void;
}

function processScope({ processScope: scope }: AgentSettings): ProcessScope {
  return scope === undefined ? { kind: 'machine' } : { kind: 'marked', ...scope };
}
