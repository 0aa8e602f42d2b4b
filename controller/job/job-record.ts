/**
 * The record of a job as whoever leads it writes it: what is asked, stored before the first command goes out, whose turn
 * comes, and what was concluded. What nodes answered they store themselves. A job that anybody may lead is appended to
 * behind the last frame that is known: who finds another there doesn't lead it any more.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, InterruptedError, TransportError, UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { ACTIONS } from '../../shared/actions/all.ts';
import { countStates } from '../../shared/states.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { seal } from '../../shared/wire/envelope.ts';
import {
  encodeJobFrame,
  type JobBatch,
  type JobBegun,
  type JobFrame,
  type JobSent,
  type Verdicts,
} from '../../shared/wire/job.ts';
import { storePlan } from '../batch/plan-chunks.ts';
import type { Plan, Turn, Work } from '../plan.ts';
import type { SignedCommand } from '../request.ts';
import { exitOfRun } from '../run-exit.ts';
import type { NodeResult } from '../report.ts';
import type { RunResult } from '../run-plan.ts';
import { appendEnd, typeOfFrame } from './append-end.ts';
import { appendFrame, isLeadLost } from './append-frame.ts';
import { groupVerdicts } from './verdicts.ts';

/** What a person said, for who reads the record later. */
export interface JobDescription {
  /** `run`, `exec`, …. @default the action */
  readonly command?: string | undefined;
  /** Whom it is for, by option. @default nothing */
  readonly target?: Readonly<Record<string, unknown>> | undefined;
  /** How nodes have their turns. @default all at once */
  readonly batch?: Pick<JobBatch, 'ackTimeoutMs' | 'canaries' | 'pauseMs' | 'tolerated' | 'window'> | undefined;
}

/** What somebody who takes over has to know. */
export interface KnownRecord {
  readonly begun: JobBegun;
  /** Number of its last frame in the stream, and how many there are. */
  readonly sequence: number;
  readonly frames: number;
  /** Whose verdict is in it. */
  readonly told: Iterable<string>;
}

export interface JobRecordDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly identity: Identity;
}

export class JobRecord {
  readonly #job: string;
  readonly #caller: string;
  readonly #places: ReadonlyMap<string, number>;
  readonly #timeoutMs: number | undefined;
  readonly #deps: JobRecordDependencies;
  /** Whose verdict is in it. */
  readonly #told: Set<string>;
  readonly #isShared: boolean;
  /** Number of the last frame in the stream; undefined before the first. */
  #sequence: number | undefined;
  #revision: number;
  #storing: Promise<unknown> = Promise.resolve();

  private constructor(
    { job, caller, expected, timeoutMs, isShared }: RecordOptions,
    known: Pick<KnownRecord, 'frames' | 'told'> & { readonly sequence: number | undefined },
    dependencies: JobRecordDependencies,
  ) {
    this.#job = job;
    this.#caller = caller;
    this.#places = new Map(expected.map((name, at) => [name, at]));
    this.#timeoutMs = timeoutMs;
    this.#isShared = isShared;
    this.#told = new Set(known.told);
    this.#sequence = known.sequence;
    this.#revision = known.frames;
    this.#deps = dependencies;
  }

  /** Takes the lead of a job, or doesn't get it. @throws TransportError `store-conflict` where somebody else has it now */
  static async takeOver(known: KnownRecord, dependencies: JobRecordDependencies): Promise<JobRecord> {
    const { action, caller, expected, job, timeoutMs } = known.begun;
    const options = { job, caller, expected, timeoutMs: timeoutMs ?? ACTIONS.get(action)?.timeoutMs, isShared: true };
    const record = new JobRecord(options, known, dependencies);
    const at = dependencies.clock.now();
    await record.#store(() => ({ ...record.#head(), type: 'taken', at }));
    return record;
  }

  /** @throws TransportError when it can't be stored; UsageError `command-too-large`. Nothing may be sent then. */
  static async begin(
    plan: Plan,
    work: Work,
    description: JobDescription,
    dependencies: JobRecordDependencies,
  ): Promise<JobRecord> {
    const { expected, job, leadUntil } = plan;
    const options = {
      job,
      caller: dependencies.identity.name,
      expected: expected.map(({ name }) => name),
      timeoutMs: plan.timeoutMs ?? ACTIONS.get(work.action)?.timeoutMs,
      isShared: leadUntil !== undefined,
    };
    const record = new JobRecord(options, { frames: 0, told: [], sequence: undefined }, dependencies);
    try {
      const chunks = leadUntil === undefined ? 0 : await storePlan(job, plan.commands, dependencies);
      await record.#store(() => record.#begun(plan, work, description, chunks));
      const rest = leadUntil === undefined ? plan.commands.slice(LIMITS.frameMessages) : [];
      await record.#addSent(rest, plan.startBy);
    } catch (cause) {
      if (!(cause instanceof FleetError)) throw cause;
      const [message, hint] = [`the job can't be recorded, so nothing was sent: ${cause.message}`, cause.hint ?? ''];
      const details = { code: cause.code, hint: `${hint} \`--no-record\` sends it without a record.`.trim(), cause };
      throw cause instanceof UsageError ? new UsageError(message, details) : new TransportError(message, details);
    }
    return record;
  }

  /**
   * Runs it, and stores behind it what was concluded: nothing, of what goes on without the caller.
   * @returns `ending`: settled when that is stored
   */
  async around(run: () => Promise<RunResult>): Promise<{ result: RunResult; ending: Promise<void> }> {
    try {
      const result = await run();
      const isEnded = !result.detached && result.lostLead !== true && result.abandoned.length + result.notStarted.length === 0 && result.lostBus === undefined; // prettier-ignore
      const ending = isEnded ? this.#end(result) : Promise.resolve();
      // Who waits for it hears what went wrong.
      ending.catch(() => undefined);
      return { result, ending };
    } catch (error) {
      if (error instanceof InterruptedError) await this.#endUnsent().catch(() => undefined);
      throw error;
    }
  }

  /**
   * What goes to nodes whose turn has come, before it does, and what was concluded of others since.
   * @param nodes whose turn it is; a message may name others, whose turn comes later
   * @throws TransportError `store-conflict` where somebody else leads it now
   */
  async add({ commands, mayStartUntil }: Turn, nodes: readonly string[], known: readonly NodeResult[]): Promise<void> {
    const { clock } = this.#deps;
    const startBy =
      mayStartUntil === undefined ? clock.now() + LIMITS.commandLifeMs : mayStartUntil - LIMITS.clockSkewMs;
    await this.#addSent(commands, startBy, new Set(nodes), known);
  }

  /** In as many frames as it takes. */
  async #addSent(
    commands: readonly SignedCommand[],
    startBy: number,
    nodes?: ReadonlySet<string>,
    known: readonly NodeResult[] = [],
  ): Promise<void> {
    for (let at = 0; at < commands.length; at += LIMITS.frameMessages) {
      const part = commands.slice(at, at + LIMITS.frameMessages);
      await this.#store(() => {
        const messages = this.#messages(part, nodes);
        if (messages.length === 0) return undefined;
        return { ...this.#head(), type: 'sent', messages, ...this.#times(startBy), ...this.#newVerdicts(known) };
      });
    }
  }

  /** These are never started: nobody who comes after does it either. @throws TransportError */
  async conclude(known: readonly NodeResult[]): Promise<void> {
    await this.#store(() => {
      const { verdicts } = this.#newVerdicts(known);
      return verdicts && { ...this.#head(), type: 'concluded', at: this.#deps.clock.now(), verdicts };
    });
  }

  /** These were away, and find it in their queues up to then. @throws TransportError */
  async addQueued(nodes: readonly string[], startBy: number): Promise<void> {
    const places = nodes.flatMap((node) => this.#places.get(node) ?? []);
    if (places.length === 0) return;
    const at = this.#deps.clock.now();
    await this.#store(() => ({ ...this.#head(), type: 'queued', at, nodes: places, startBy }));
  }

  /** Given up between the record and the first command. */
  #endUnsent(): Promise<void> {
    const reason = 'interrupted before anything was sent';
    const nodes = [...this.#places.keys()].map((node) => ({ node, state: 'unreachable', reason, ms: null, isVerdict: true } as const)); // prettier-ignore
    return this.#end({ nodes, unmatched: [], abandoned: nodes.map(({ node }) => node), notStarted: [], lostBus: undefined, detached: false }); // prettier-ignore
  }

  async #end(
    result: Pick<RunResult, 'nodes' | 'unmatched' | 'abandoned' | 'notStarted' | 'lostBus' | 'detached'> &
      Partial<Pick<RunResult, 'queued'>>,
  ): Promise<void> {
    const { nodes, unmatched } = result;
    await this.#store(() => ({
      ...this.#head(),
      type: 'ended',
      at: this.#deps.clock.now(),
      exit: exitOfRun(result),
      states: countStates(nodes.map(({ state }) => state)),
      unmatched: unmatched.length,
      verdicts: this.#newVerdicts(nodes).verdicts ?? [],
    }));
  }

  /** Those that it doesn't have yet. */
  #newVerdicts(nodes: RunResult['nodes']): { verdicts?: Verdicts } {
    const verdicts = groupVerdicts(
      nodes.filter(({ node }) => !this.#told.has(node)),
      this.#places,
    );
    for (const { node } of nodes) this.#told.add(node);
    return verdicts.length === 0 ? {} : { verdicts };
  }

  #begun(plan: Plan, work: Work, { batch, command, target }: JobDescription, chunks: number): JobBegun {
    const { action, args, dryRun, effect, secrets } = work;
    return {
      ...this.#head(),
      type: 'begun',
      command: command ?? action,
      action,
      effect,
      args,
      ...(secrets === undefined ? {} : { sealed: Object.keys(secrets) }),
      ...(dryRun ? { dryRun } : {}),
      ...(plan.timeoutMs === undefined ? {} : { timeoutMs: plan.timeoutMs }),
      target: { ...target },
      ...(plan.where === undefined ? {} : { where: plan.where }),
      expected: [...this.#places.keys()],
      // Where there are turns, each says what is sent. What doesn't fit is in frames of its own, before any of it is sent.
      messages: plan.leadUntil === undefined ? this.#messages(plan.commands.slice(0, LIMITS.frameMessages)) : [],
      issued: plan.issued,
      ...this.#times(plan.startBy),
      ...(plan.leadUntil === undefined || batch === undefined
        ? {}
        : { batch: { ...batch, chunks, deadline: plan.leadUntil, ...usableUntil(plan) } }),
      ...(plan.retryOf === undefined ? {} : { retryOf: plan.retryOf }),
    };
  }

  /** @param now of the nodes that they name, those that are sent to; absent for all */
  #messages(commands: readonly SignedCommand[], now?: ReadonlySet<string>): JobSent['messages'] {
    return commands.flatMap(({ id, nodes = [], payloadHash }) => {
      const those = now === undefined ? nodes : nodes.filter((node) => now.has(node));
      const places = those.flatMap((node) => this.#places.get(node) ?? []);
      return those.length === 0 ? [] : [{ id: fromHex(id), payload: fromHex(payloadHash), nodes: places }];
    });
  }

  /** By the nodes' clocks, which may be behind. */
  #times(startBy: number): Pick<JobSent, 'startBy' | 'until'> {
    const until = this.#timeoutMs === undefined ? undefined : startBy + this.#timeoutMs + LIMITS.stopGraceMs;
    return { startBy, ...(until === undefined ? {} : { until: until + LIMITS.clockSkewMs }) };
  }

  #head(): Pick<JobFrame, 'subject' | 'revision' | 'job' | 'caller'> {
    const { identity, subjects } = this.#deps;
    const [caller, job] = [this.#caller, this.#job];
    const by = identity.name === caller ? {} : { by: identity.name };
    return { subject: subjects.job(caller, job), revision: ++this.#revision, job, caller, ...by };
  }

  /** One after the other: each is appended behind the one before. @param make undefined where there is nothing to say */
  #store(make: () => JobFrame | undefined): Promise<void> {
    const storing = this.#storing.then(async () => {
      const frame = make();
      if (frame !== undefined) await this.#append(frame);
    });
    this.#storing = storing.catch(() => undefined);
    return storing;
  }

  async #append(frame: JobFrame): Promise<void> {
    const { bus, identity } = this.#deps;
    const bytes = await seal('job', identity.fleetId, identity, encodeJobFrame(frame), { inlineCredential: true });
    const room = Math.min(bus.maxPayloadBytes, LIMITS.envelopeBytes) - STORE_OVERHEAD_BYTES;
    if (bytes.length > room)
      throw new UsageError(`the record has ${bytes.length} bytes, and the bus takes ${room}`, {
        code: 'command-too-large',
        hint: 'Give large input as a file that the nodes can reach.',
      });
    if (frame.type === 'ended' && !this.#isShared && this.#sequence !== undefined)
      return void (await appendEnd({ subject: frame.subject, bytes, after: this.#sequence }, this.#deps));
    const after = this.#isShared ? this.#sequence : undefined;
    try {
      this.#sequence = await appendFrame({ subject: frame.subject, bytes, after }, this.#deps);
    } catch (error) {
      // Whoever cancels a job does not lead it: what it came to is said by who did.
      if (!isLeadLost(error) || frame.type === 'sent' || frame.type === 'taken') throw error;
      const last = await bus.load(jobStream(this.#deps.fleet), frame.subject);
      if (last === undefined || typeOfFrame(last.data) !== 'cancelled') throw error;
      this.#sequence = await appendFrame({ subject: frame.subject, bytes, after: last.sequence }, this.#deps);
    }
  }
}

interface RecordOptions {
  readonly job: string;
  readonly caller: string;
  readonly expected: readonly string[];
  readonly timeoutMs: number | undefined;
  /** Others may lead it: each frame is appended behind the last one that is known. */
  readonly isShared: boolean;
}

const usableUntil = ({ usableUntil: until }: Plan): { usableUntil?: number } =>
  until === undefined ? {} : { usableUntil: until };

/** A stream counts subject and headers as the message's own. */
const STORE_OVERHEAD_BYTES = 1024;
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
