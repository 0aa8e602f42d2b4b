/** A node's pipeline as an agent has it, but for the bus and the clock: real keys, real replay memory, actions that count. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { RunnableAction } from '../../agent/actions/action.ts';
import type { AuditTrail } from '../../agent/audit/audit-trail.ts';
import { NodeAudit } from '../../agent/audit/node-audit.ts';
import { Counters } from '../../agent/counters.ts';
import { RunningCommands } from '../../agent/jobs/running-commands.ts';
import { OutputSenders } from '../../agent/output/output-senders.ts';
import { Outbox } from '../../agent/outbox/outbox.ts';
import { Pipeline, type PipelineDependencies } from '../../agent/pipeline.ts';
import { FRESH_MARKER, ReplayMemory } from '../../agent/replay/replay-memory.ts';
import { Receiver } from '../../controller/receive.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { compilePolicy } from '../../shared/policy/compile.ts';
import type { Policies } from '../../shared/policy/decide-both.ts';
import { SealOpener } from '../../shared/sealing.ts';
import { AuditLog } from '../../shared/audit/audit-log.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { auditStream } from '../../shared/streams.ts';
import { encodeCommand, type Command } from '../../shared/wire/command.ts';
import type { Result } from '../../shared/wire/result.ts';
import { FakeBus } from './fake-bus.ts';
import type { FleetMaterial, Member } from './fleet-material.ts';
import { ManualClock } from './manual-clock.ts';
import { recordingLog } from './recording-log.ts';

export interface NodePipelineOptions {
  readonly fleet: FleetMaterial;
  readonly folder: string;
  /** @default db1 */
  readonly name?: string;
  /** @default those of a database server */
  readonly facts?: () => Promise<Record<string, unknown>>;
  /** What the node knows of policy and revocation. @default everything */
  readonly control?: PipelineDependencies['control'];
  /** Called each time, where it changes. */
  readonly policies?: Policies | (() => Policies);
  /** Where commands are written down. @default `auditLog` */
  readonly trail?: AuditTrail;
  readonly capacity?: number;
  readonly capacityPerCaller?: number;
  readonly unpermittedPerCaller?: number;
}

/** Operators may do everything, readers ask who is there. */
const POLICIES: Policies = {
  fleet: compilePolicy({
    version: 1,
    roles: { operator: { allow: [{ actions: ['*'], tasks: ['*'] }] }, reader: { allow: [{ actions: ['ping'] }] } },
  }),
  node: undefined,
};

export class NodePipeline {
  readonly bus: FakeBus;
  readonly outbox: Outbox;
  readonly clock: ManualClock;
  readonly log = recordingLog();
  readonly counters = new Counters();
  /** Names of the actions that ran, in order. */
  readonly ran: string[] = [];
  /** What came sealed to the action `secret`, each time. */
  readonly secrets: unknown[] = [];
  readonly fleet: FleetMaterial;
  readonly member: Member;
  readonly memory: ReplayMemory;
  readonly audit: NodeAudit;
  readonly auditLog: AuditLog;
  /** Where `auditLog.flush()` stores. */
  readonly auditBus: FakeBus;
  readonly trust: TrustStore;
  readonly running = new RunningCommands();
  readonly outputs: OutputSenders;
  readonly pipeline: Pipeline;
  /** What the action `held` waits for. */
  release: () => void = () => undefined;

  private constructor(
    options: NodePipelineOptions,
    parts: Pick<NodePipeline, 'bus' | 'member' | 'memory' | 'clock' | 'outbox' | 'auditBus' | 'auditLog'>,
  ) {
    const { clock, member, memory } = parts;
    const { policies = POLICIES } = options;
    this.fleet = options.fleet;
    this.bus = parts.bus;
    this.outbox = parts.outbox;
    this.member = member;
    this.memory = memory;
    this.clock = clock;
    this.auditBus = parts.auditBus;
    this.auditLog = parts.auditLog;
    this.audit = new NodeAudit(parts.auditLog, (task) => new Set(task === 'sealed' ? ['password'] : []));
    const trust = this.fleet.trust(clock);
    trust.verify(member.credential);
    this.trust = trust;
    this.outputs = new OutputSenders({ bus: this.bus, log: this.log });
    this.pipeline = new Pipeline({
      node: member.credential.body.name,
      identity: member,
      opener: new SealOpener(member.boxSecret),
      bus: this.bus,
      clock,
      log: this.log,
      subjects: this.fleet.subjects,
      trust,
      memory,
      control: options.control ?? { covers: () => true, waitFor: () => Promise.resolve(true) },
      facts: { live: options.facts ?? (() => Promise.resolve({ role: 'db' })) },
      actions: this.#actions(),
      counters: this.counters,
      audit: options.trail ?? this.audit,
      outbox: parts.outbox,
      outputs: this.outputs,
      holdsQueued: () => Promise.resolve(false),
      policies: typeof policies === 'function' ? policies : () => policies,
      running: this.running,
      stop: new AbortController().signal,
    });
  }

  static async start(options: NodePipelineOptions): Promise<NodePipeline> {
    const stateDir = join(options.folder, 'state');
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, FRESH_MARKER), '');
    return NodePipeline.restart(options);
  }

  /** On what an earlier one left in its folder. */
  static async restart(options: NodePipelineOptions, clock = new ManualClock()): Promise<NodePipeline> {
    const { fleet, name = 'db1' } = options;
    const stateDir = join(options.folder, 'state');
    const memory = await ReplayMemory.open(
      {
        stateDir,
        bootId: 'boot',
        ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
        ...(options.capacityPerCaller === undefined ? {} : { capacityPerCaller: options.capacityPerCaller }),
        ...(options.unpermittedPerCaller === undefined ? {} : { unpermittedPerCaller: options.unpermittedPerCaller }),
      },
      { clock, log: recordingLog() },
    );
    const member = await fleet.node(name);
    const auditBus = new FakeBus();
    const auditLog = await AuditLog.open(
      {
        folder: join(stateDir, 'audit'),
        who: name,
        fleetId: fleet.fleetId,
        stream: auditStream(fleet.fleet),
        subject: fleet.subjects.nodeAudit(name),
      },
      { bus: auditBus, clock, log: recordingLog(), identity: member },
    );
    const bus = new FakeBus();
    const outbox = await Outbox.open(
      { folder: join(stateDir, 'outbox'), maxBytes: LIMITS.outboxBytes, maxAgeMs: LIMITS.outboxAgeMs },
      { bus, clock, log: recordingLog(), heardAt: (subject) => fleet.subjects.heardAt(subject) },
      ({ key, messages, final }) => memory.recall(key, messages, final),
    );
    return new NodePipeline(options, { bus, member, memory, clock, outbox, auditBus, auditLog });
  }

  /** Hands a message in, and waits until the node is done with it. */
  async deliver(
    data: Uint8Array,
    subject = this.fleet.subjects.commandNode(this.member.credential.body.name),
  ): Promise<void> {
    this.pipeline.accept({ subject, data });
    await this.pipeline.idle();
  }

  /** Signs a command, delivers it the way it says, and gives what the caller hears. */
  async send(caller: Member, command: Command): Promise<Result[]> {
    const before = this.bus.published.length;
    const { subjects } = this.fleet;
    const subject = command.via === 'all' ? subjects.commandAll() : undefined;
    await this.deliver(await this.fleet.sealCommand(command, caller), subject);
    return this.heard(caller, command, before);
  }

  /** The answers to a command since the message of number `since`, as its caller's controller accepts them. */
  heard(caller: Member, command: Command, since = 0): Result[] {
    const trust = this.fleet.trust(this.clock);
    trust.verify(this.member.credential);
    const receiver = new Receiver(
      { caller: caller.credential.body.name, job: command.job },
      { subjects: this.fleet.subjects, trust },
    );
    receiver.expectAnswersTo({ id: toHex(command.id), payloadHash: toHex(sha256(encodeCommand(command))) });
    return this.bus.published.slice(since).flatMap((message) => receiver.receive(message) ?? []);
  }

  async stop(): Promise<void> {
    this.release();
    await this.pipeline.idle();
    await this.outputs.close();
    await this.outbox.close();
    await this.memory.close();
    await this.audit.close();
  }

  /** Gives its secrets away in every way that it has. */
  #secretAction(): [string, RunnableAction] {
    const definition = {
      name: 'secret',
      description: '',
      effect: 'reads' as const,
      input: z.strictObject({ env: z.record(z.string(), z.string()).optional(), fail: z.string().optional() }),
      output: z.unknown(),
      timeoutMs: 1_000,
      sealable: 'env',
    };
    const run: RunnableAction['run'] = (input, { secrets, log }) => {
      this.ran.push('secret');
      this.secrets.push(secrets?.values);
      const told = JSON.stringify(secrets?.values ?? null);
      log.info({ told, nested: [{ told }] }, 'running');
      const { fail } = input as { fail?: string };
      if (fail === 'refused') throw new RefusedError(`no: ${told}`, { code: 'invalid-input' });
      if (fail === 'broken') throw new Error(`bug: ${told}`);
      return Promise.resolve({ state: 'failed', code: 'exit-code', reason: told, data: { told: [told] } });
    };
    return ['secret', { definition, run }];
  }

  #actions(): ReadonlyMap<string, RunnableAction> {
    const action = (
      name: string,
      effect: 'reads' | 'changes',
      run: RunnableAction['run'],
    ): [string, RunnableAction] => [
      name,
      {
        definition: {
          name,
          description: '',
          effect,
          input: z.strictObject({ n: z.int().min(0).max(LIMITS.resultBytes).optional() }),
          output: z.unknown(),
          timeoutMs: 1_000,
        },
        run: (input, context) => {
          this.ran.push(name);
          return run(input, context);
        },
      },
    ];
    const ok = (data: unknown): Promise<{ state: 'ok'; data: unknown }> => Promise.resolve({ state: 'ok', data });
    return new Map([
      action('ping', 'reads', () => ok({ version: '1' })),
      action('touch', 'changes', () => ok({})),
      this.#secretAction(),
      action('large', 'reads', (input) => ok({ text: 'x'.repeat((input as { n: number }).n) })),
      action('many', 'reads', (input) => ok(Array<number>((input as { n: number }).n).fill(0))),
      action('unsayable', 'reads', () => ok([undefined])),
      action(
        'held',
        'reads',
        () => new Promise((resolve) => (this.release = () => resolve({ state: 'ok', data: {} }))),
      ),
      action(
        'held-change',
        'changes',
        () => new Promise((resolve) => (this.release = () => resolve({ state: 'ok', data: {} }))),
      ),
      action(
        'until-told',
        'reads',
        (_input, { signal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('told to stop')), { once: true }),
          ),
      ),
    ]);
  }
}
