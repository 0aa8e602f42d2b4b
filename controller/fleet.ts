/**
 * The fleet, as a program talks to it: everything that the command line does stands on this. One connection, one caller;
 * `resolve` says who is meant, `run` does it and gives every node's final state.
 */
import type { Bus } from '../shared/bus.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import { readIdentity, type Identity } from '../shared/identity.ts';
import { LIMITS } from '../shared/limits.ts';
import { connectBus } from '../shared/nats-bus.ts';
import type { Policy } from '../shared/policy/policy.ts';
import { PairwiseKeys } from '../shared/pairwise.ts';
import { Subjects } from '../shared/subjects.ts';
import { TrustStore } from '../shared/trust.ts';
import type { AdminQuestion, AdminResult } from '../shared/wire/enroll-admin.ts';
import type { InventoryBody, InventoryHead } from '../shared/wire/inventory.ts';
import type { AwaySince } from './away-since.ts';
import type { AskingOptions, FleetOptions } from './fleet-options.ts';
import type { AuditSource } from './audit/audit-source.ts';
import { AuditedRun } from './audit/audited-run.ts';
import type { CallerAudit } from './audit/caller-audit.ts';
import type { AskedJob } from './approval/asked-job.ts';
import type { ControlState, Epochs, StoredPolicy } from './control.ts';
import { openControl } from './open-control.ts';
import { BusWatch } from './bus-watch.ts';
import { assertWanted } from './interrupt.ts';
import { assertUsable } from './caller-identity.ts';
import { readInventory, readInventoryHeads, readRoster, type Directory, type RosterNode } from './directory.ts';
import type { CancelJobOptions, CancelledJob } from './job/cancel-recorded.ts';
import type { JobSource } from './job/job-source.ts';
import type { Work } from './plan.ts';
import { storePolicy } from './policy/store-policy.ts';
import { RememberedSignatures } from './remembered-signatures.ts';
import { createJobId, type SigningContext } from './request.ts';
import { resolveTarget, type Resolved, type TargetSpec } from './resolve.ts';
import type { RunOptions, RunResult } from './run-plan.ts';
import { sendWork } from './send-work.ts';
import { SilentNodes } from './silent-nodes.ts';
import { createTarget, type TargetDescription } from './target.ts';

export type { AskingOptions, FleetOptions };

export class Fleet {
  readonly name: string;
  #identity: Identity;
  readonly #identityFile: string;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #subjects: Subjects;
  readonly #trust: TrustStore;
  readonly #revisions = new Map<string, number>();
  readonly #watch: BusWatch;
  readonly #remembered: RememberedSignatures | undefined;
  readonly #problems: string[] = [];
  /** What is stored about jobs behind their end. */
  readonly #endings: Promise<void>[] = [];
  #control: Promise<ControlState>;
  readonly #audit: AuditedRun | undefined;
  #directory: Promise<Directory> | undefined;
  #pairwise: PairwiseKeys | undefined;

  private constructor(
    identity: Identity,
    { auditFolder, identity: identityFile }: FleetOptions,
    { bus, remembered, trust, clock }: { bus: Bus; remembered: RememberedSignatures | undefined; trust: TrustStore; clock: Clock }, // prettier-ignore
  ) {
    this.name = identity.fleet;
    this.#identity = identity;
    this.#identityFile = identityFile;
    this.#bus = bus;
    this.#watch = new BusWatch(bus);
    this.#remembered = remembered;
    this.#clock = clock;
    this.#subjects = new Subjects(identity.fleet);
    this.#trust = trust;
    this.#audit = auditFolder === undefined ? undefined : new AuditedRun(() => this.#openAudit(auditFolder));
    this.#control = this.#readControl();
    // Whoever needs it waits for it, and hears what went wrong.
    this.#control.catch(() => undefined);
  }

  /** @throws SettingsError for a missing, broken or expired identity; TransportError when the bus isn't there. */
  static async connect(options: FleetOptions, clock: Clock = systemClock): Promise<Fleet> {
    const identity = readIdentity(options.identity, options);
    const { rememberFolder } = options;
    const remembered = rememberFolder === undefined ? undefined : new RememberedSignatures(rememberFolder, identity);
    const trust = new TrustStore({ ...identity, memo: remembered?.memo }, { clock });
    assertUsable(identity, trust, options.identity);
    const { servers, tls, jsDomain } = options;
    const bus = await connectBus({
      servers,
      tls,
      jsDomain,
      name: identity.name,
      loginSeed: identity.loginSeed,
      loginJwt: identity.loginJwt,
      patient: false,
    });
    return new Fleet(identity, options, { bus, remembered, trust, clock });
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

  /** The fleet's policy, as the bus has it. */
  async policy(): Promise<StoredPolicy> {
    return (await this.#control).policy;
  }

  /**
   * Makes a policy the fleet's, in the place of `before`; commands from here on are for nodes that have it.
   * @throws UsageError `not-an-admin`, `policy-changed`, `policy-too-large`; TransportError
   */
  async storePolicy(read: { policy: Policy; source: string }, before: StoredPolicy): Promise<StoredPolicy> {
    const policy = await storePolicy(read, before, { ...this.#reader(), identity: this.#identity });
    await this.#audit?.did({ event: 'policy', details: { revision: policy.signed.document.revision } });
    const control = await this.#control;
    const epochs = { ...control.epochs, policy: policy.signed.document.revision };
    this.#control = Promise.resolve({ ...control, epochs, policy });
    return policy;
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

  /** The expected set of a target: a service's word where there is one, or what is read here. */
  async resolve(target: TargetSpec, inventory?: ReadonlyMap<string, InventoryBody>): Promise<Resolved> {
    if (inventory === undefined && this.#directory === undefined) {
      const asked = await this.#resolveByService(target);
      if (asked !== undefined) return asked;
    }
    const { roster } = await this.roster();
    const needed = target.where !== undefined && !target.fresh;
    return resolveTarget(target, roster, inventory ?? (needed ? await this.inventory() : undefined));
  }

  async #resolveByService(target: TargetSpec): Promise<Resolved | undefined> {
    const { resolveByService } = await import('./resolve-by-service.ts');
    await this.#control;
    return resolveByService(target, { ...this.#reader(), identity: this.#identity, revisions: this.#revisions });
  }

  /** Since when those of these nodes are away of whom a controller service knows it. */
  async awaySince(nodes: readonly string[]): Promise<ReadonlyMap<string, AwaySince>> {
    const { askAwaySince } = await import('./away-since.ts');
    await this.#control;
    return askAwaySince(nodes, { ...this.#reader(), identity: this.#identity });
  }

  /** Asks nodes whether they are there: names of those that don't answer. @throws InterruptedError TransportError */
  async findAway(
    nodes: readonly RosterNode[],
    { ackTimeoutMs = LIMITS.ackTimeoutMs, resolved, signal }: AskingOptions = {},
  ): Promise<ReadonlySet<string>> {
    assertWanted(signal);
    const { findAway } = await import('./presence.ts');
    await this.#control;
    const roster = await this.#rosterOf(resolved);
    const { fleet: _, ...reader } = this.#reader();
    const signing = (): SigningContext => this.#signing(undefined);
    const keyWith = (boxKey: Uint8Array): Uint8Array => this.#keyWith(boxKey);
    const dependencies = { ...reader, caller: this.caller, watch: this.#watch, signing, keyWith };
    return findAway({ nodes, roster, ackTimeoutMs, signal }, dependencies);
  }

  /**
   * Sends a command to resolved nodes, and waits until every one of them has its final state.
   * @throws InterruptedError when `signal` was aborted before anything was sent; TransportError when the bus was lost then
   */
  async run(request: Work, target: TargetSpec, resolved: Resolved, options: RunOptions = {}): Promise<RunResult> {
    assertWanted(options.signal);
    const { epochs } = await this.#control;
    const job = createJobId(this.#clock.now());
    const send = (): Promise<RunResult> => this.#send(request, target, resolved, options, { job, epochs });
    if (this.#audit === undefined) return send();
    return this.#audit.around({ job, work: request, target, expected: resolved.expected.length }, send);
  }

  async #send(
    request: Work,
    target: TargetSpec,
    resolved: Resolved,
    options: RunOptions,
    { job, epochs }: { job: string; epochs: Epochs },
  ): Promise<RunResult> {
    return sendWork(job, request, { target, resolved }, options, {
      ...this.#reader(),
      caller: this.caller,
      identity: this.#identity,
      watch: this.#watch,
      keyWith: (boxKey) => this.#keyWith(boxKey),
      signing: () => this.#signing(epochs),
      silent: new SilentNodes((nodes) => this.awaySince(nodes)),
      rosterOf: (all) => this.#rosterOf(all),
      policy: () => this.policy(),
      cancel: (id, how) => this.cancel(id, how),
      onEnding: (ending) => this.#endings.push(ending),
      jobs: () => this.jobs(),
      onProblem: (line) => this.#problems.push(line),
    });
  }

  /**
   * Stops a recorded job on its nodes, with everything that it started there, and keeps it from starting anywhere else.
   * @throws UsageError `no-such-job`, …; InterruptedError; TransportError
   */
  async cancel(job: string, options: CancelJobOptions = {}): Promise<CancelledJob> {
    assertWanted(options.signal);
    const [{ epochs }, jobs, { roster }, { cancelRecorded }] = await Promise.all([
      this.#control,
      this.jobs(),
      this.roster(),
      import('./job/cancel-recorded.ts'),
    ]);
    this.#watch.assertThere();
    const own = { caller: this.caller, identity: this.#identity, watch: this.#watch, ...this.#reader() };
    return cancelRecorded(job, options, {
      ...own,
      jobs,
      roster,
      audit: this.#audit,
      signing: () => this.#signing(epochs),
    });
  }

  /** What waits for another operator's signature. */
  async waitingJobs(): Promise<AskedJob[]> {
    await this.#control;
    const { readWaiting } = await import('./approval/approvals.ts');
    return readWaiting({ ...this.#reader(), identity: this.#identity });
  }

  /** Signs what another operator asked for. @throws UsageError `own-job`, `not-an-approver`; SettingsError `audit-unwritable`; TransportError */
  async approve(asked: AskedJob): Promise<void> {
    await this.#control;
    const { assertCounts, assertOthers, giveApproval } = await import('./approval/approvals.ts');
    assertOthers(asked, this.#identity);
    assertCounts(asked, this.#identity, await this.policy());
    const { caller, job } = asked;
    await this.#audit?.did({ event: 'approve', job, details: { askedBy: caller.name, serial: caller.serial } });
    return giveApproval(asked, { ...this.#reader(), identity: this.#identity });
  }

  /** Whose answers can be read: of those that were resolved by a service, no others. */
  async #rosterOf(resolved: Resolved | undefined): Promise<ReadonlyMap<string, RosterNode>> {
    return resolved?.roster ?? (await this.roster()).roster;
  }

  #reader(): { fleet: string; bus: Bus; clock: Clock; subjects: Subjects; trust: TrustStore } {
    return { fleet: this.name, bus: this.#bus, clock: this.#clock, subjects: this.#subjects, trust: this.#trust };
  }

  /** The fleet's id, and the public keys of the roots that hold now. */
  async roots(): Promise<{ readonly fleetId: string; readonly roots: readonly Uint8Array[] }> {
    await this.#control;
    return { fleetId: this.#identity.fleetId, roots: this.#trust.roots };
  }

  /** Asks the enrolment service, in the caller's name. @throws RefusedError TransportError */
  async enroll<Type extends AdminResult['type']>(
    question: AdminQuestion,
    expected: Type,
    signal?: AbortSignal,
  ): Promise<Extract<AdminResult, { type: Type }>> {
    await this.#control;
    const { askEnrollment } = await import('./enroll/ask-enrollment.ts');
    return askEnrollment(question, expected, { ...this.#reader(), identity: this.#identity }, signal);
  }

  /** The records of jobs. */
  async jobs(): Promise<JobSource> {
    const [{ JobSource }, { JobTrust }] = await Promise.all([
      import('./job/job-source.ts'),
      import('./job/job-trust.ts'),
    ]);
    const [{ fleetId, roots }, { roster }] = await Promise.all([this.roots(), this.roster()]);
    const trust = new JobTrust({ fleetId, roots: [...this.#identity.roots, ...roots] }, { trust: this.#trust, roster });
    const isAdmin = this.#identity.credential.body.roles.includes('admin');
    return new JobSource({
      ...this.#reader(),
      caller: this.caller,
      own: this.#identity.credential.body.sign,
      isAdmin,
      trust,
      watch: this.#watch,
    });
  }

  /** What the fleet's audit trail has, and whom to believe of it. */
  async audit(): Promise<AuditSource> {
    const { AuditSource } = await import('./audit/audit-source.ts');
    const [{ rootsEver: roots }, { roster }] = await Promise.all([this.#control, this.roster()]);
    return new AuditSource(
      { fleet: this.name, fleetId: this.#identity.fleetId, roots },
      { bus: this.#bus, subjects: this.#subjects, roster },
    );
  }

  /** What was asked is written down before it's over. */
  async close(): Promise<void> {
    await Promise.all(this.#endings).catch((error: unknown) => {
      this.#problems.push(`how the job ended isn't in its record: ${error instanceof Error ? error.message : ''}`);
    });
    await this.#audit?.idle().catch((error: unknown) => {
      this.#problems.push(error instanceof Error ? error.message : String(error));
    });
    await this.#remembered?.keep();
    this.#watch.close();
    await this.#bus.close();
  }

  async #openAudit(folder: string): Promise<CallerAudit> {
    const { openCallerAudit } = await import('./audit/open-caller-audit.ts');
    return openCallerAudit(
      { folder, identity: this.#identity },
      {
        bus: () => (this.#watch.lost === undefined ? this.#bus : undefined),
        clock: this.#clock,
        onProblem: (line) => this.#problems.push(line),
      },
    );
  }

  async #readControl(): Promise<ControlState> {
    const { control, identity, problems } = await openControl(this.#identity, this.#identityFile, this.#reader());
    this.#identity = identity;
    this.#problems.push(...problems);
    return control;
  }

  /** With a node, for what isn't recorded. */
  #keyWith(boxKey: Uint8Array): Uint8Array {
    this.#pairwise ??= new PairwiseKeys('caller', this.#identity);
    return this.#pairwise.with(boxKey);
  }

  #signing(epochs: Epochs | undefined): SigningContext {
    return {
      fleetId: this.#identity.fleetId,
      identity: this.#identity,
      now: this.#clock.now(),
      maxPayloadBytes: this.#bus.maxPayloadBytes,
      epochs,
    };
  }

  #source(): Parameters<typeof readRoster>[0] {
    return { ...this.#reader(), revisions: this.#revisions, trusted: this.#control };
  }
}
