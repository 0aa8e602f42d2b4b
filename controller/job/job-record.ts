/**
 * The caller's side of a job's record: what is asked, stored before the first command goes out, and at the end what the
 * caller concluded. What nodes answered they store themselves.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, InterruptedError, TransportError, UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { ACTIONS } from '../../shared/actions/all.ts';
import { countStates, type FinalState } from '../../shared/states.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeJobFrame, type JobBegun, type JobEnded, type JobFrame, type JobSent } from '../../shared/wire/job.ts';
import type { Plan, Turn, Work } from '../plan.ts';
import type { SignedCommand } from '../request.ts';
import { exitOfRun } from '../run-exit.ts';
import type { RunResult } from '../run-plan.ts';

/** What a person said, for who reads the record later. */
export interface JobDescription {
  /** `run`, `exec`, …. @default the action */
  readonly command?: string | undefined;
  /** Whom it is for, by option. @default nothing */
  readonly target?: Readonly<Record<string, unknown>> | undefined;
}

export interface JobRecordDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly identity: Identity;
}

export class JobRecord {
  readonly #job: string;
  readonly #places: ReadonlyMap<string, number>;
  readonly #timeoutMs: number | undefined;
  readonly #deps: JobRecordDependencies;
  /** Ids of the messages that it has. */
  readonly #named = new Set<string>();
  #revision = 0;

  private constructor(plan: Plan, { action }: Work, dependencies: JobRecordDependencies) {
    this.#job = plan.job;
    this.#places = new Map(plan.expected.map(({ name }, at) => [name, at]));
    this.#timeoutMs = plan.timeoutMs ?? ACTIONS.get(action)?.timeoutMs;
    this.#deps = dependencies;
  }

  /** @throws TransportError when it can't be stored; UsageError `command-too-large`. Nothing may be sent then. */
  static async begin(
    plan: Plan,
    work: Work,
    description: JobDescription,
    dependencies: JobRecordDependencies,
  ): Promise<JobRecord> {
    const record = new JobRecord(plan, work, dependencies);
    try {
      const { commands, startBy } = plan;
      await record.#store(record.#begun(plan, work, description));
      for (let at = LIMITS.frameMessages; at < commands.length; at += LIMITS.frameMessages)
        await record.#addSent(commands.slice(at, at + LIMITS.frameMessages), startBy);
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
      const isEnded = !result.detached && result.abandoned.length + result.notStarted.length === 0 && result.lostBus === undefined; // prettier-ignore
      const ending = isEnded ? this.#end(result) : Promise.resolve();
      // Who waits for it hears what went wrong.
      ending.catch(() => undefined);
      return { result, ending };
    } catch (error) {
      if (error instanceof InterruptedError) await this.#endUnsent().catch(() => undefined);
      throw error;
    }
  }

  /** What goes to nodes whose turn has come; before it does. @throws TransportError */
  async add({ commands, mayStartUntil }: Turn): Promise<void> {
    const { clock } = this.#deps;
    const added = commands.filter(({ id }) => !this.#named.has(id));
    if (added.length === 0) return;
    const startBy =
      mayStartUntil === undefined ? clock.now() + LIMITS.commandLifeMs : mayStartUntil - LIMITS.clockSkewMs;
    await this.#addSent(added, startBy);
  }

  #addSent(commands: readonly SignedCommand[], startBy: number): Promise<void> {
    return this.#store({ ...this.#head(), type: 'sent', messages: this.#messages(commands), ...this.#times(startBy) });
  }

  /** These were away, and find it in their queues up to then. @throws TransportError */
  async addQueued(nodes: readonly string[], startBy: number): Promise<void> {
    const places = nodes.flatMap((node) => this.#places.get(node) ?? []);
    if (places.length === 0) return;
    await this.#store({ ...this.#head(), type: 'queued', at: this.#deps.clock.now(), nodes: places, startBy });
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
    const verdicts = this.#verdicts(nodes);
    await this.#store({
      ...this.#head(),
      type: 'ended',
      at: this.#deps.clock.now(),
      exit: exitOfRun(result),
      states: countStates(nodes.map(({ state }) => state)),
      unmatched: unmatched.length,
      verdicts,
    });
  }

  #verdicts(nodes: RunResult['nodes']): JobEnded['verdicts'] {
    const alike = new Map<string, JobEnded['verdicts'][number]>();
    for (const { node, state, code, reason, isVerdict } of nodes) {
      const place = this.#places.get(node);
      // What a node refuses because it is stale is said, and not stored.
      const isTold = state === 'skipped' || state === 'refused' || isVerdict === true;
      if (place === undefined || !isTold || !isSilence(state)) continue;
      const text = (reason ?? '').slice(0, REASON_LENGTH);
      const key = JSON.stringify([state, code, text]);
      const known = alike.get(key);
      if (known !== undefined) known.nodes.push(place);
      else alike.set(key, { state, ...(code === undefined ? {} : { code }), reason: text, nodes: [place] });
    }
    return [...alike.values()];
  }

  #begun(plan: Plan, work: Work, { command, target }: JobDescription): JobBegun {
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
      // What doesn't fit is in frames of its own, before any of it is sent.
      messages: this.#messages(plan.commands.slice(0, LIMITS.frameMessages)),
      issued: plan.issued,
      ...this.#times(plan.startBy),
      ...(plan.retryOf === undefined ? {} : { retryOf: plan.retryOf }),
    };
  }

  #messages(commands: readonly SignedCommand[]): JobSent['messages'] {
    return commands.map(({ id, nodes = [], payloadHash }) => {
      this.#named.add(id);
      const places = nodes.flatMap((node) => this.#places.get(node) ?? []);
      return { id: fromHex(id), payload: fromHex(payloadHash), nodes: places };
    });
  }

  /** By the nodes' clocks, which may be behind. */
  #times(startBy: number): Pick<JobSent, 'startBy' | 'until'> {
    const until = this.#timeoutMs === undefined ? undefined : startBy + this.#timeoutMs + LIMITS.stopGraceMs;
    return { startBy, ...(until === undefined ? {} : { until: until + LIMITS.clockSkewMs }) };
  }

  #head(): Pick<JobFrame, 'subject' | 'revision' | 'job' | 'caller'> {
    const caller = this.#deps.identity.name;
    return { subject: this.#deps.subjects.job(caller, this.#job), revision: ++this.#revision, job: this.#job, caller };
  }

  async #store(frame: JobFrame): Promise<void> {
    const { bus, identity } = this.#deps;
    const bytes = await seal('job', identity.fleetId, identity, encodeJobFrame(frame), { inlineCredential: true });
    const room = Math.min(bus.maxPayloadBytes, LIMITS.envelopeBytes) - STORE_OVERHEAD_BYTES;
    if (bytes.length > room)
      throw new UsageError(`the record has ${bytes.length} bytes, and the bus takes ${room}`, {
        code: 'command-too-large',
        hint: 'Give large input as a file that the nodes can reach.',
      });
    // Of frames that are alike, the first counts.
    await bus.store(frame.subject, bytes, { mayRepeat: true });
  }
}

type Silence = JobEnded['verdicts'][number]['state'];
const SILENCES: ReadonlySet<string> = new Set<Silence>(['unreachable', 'lost', 'skipped', 'refused']);
const isSilence = (state: FinalState): state is Silence => SILENCES.has(state);

/** A stream counts subject and headers as the message's own. */
const STORE_OVERHEAD_BYTES = 1024;
const REASON_LENGTH = 512;
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
