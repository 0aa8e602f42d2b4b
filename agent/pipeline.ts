/**
 * The way of one command through a node: verify, for me, allowed, fresh, match, valid, run, reply. One file a step beside
 * this one. Nothing is answered before the signature has proved who asked; everything is counted.
 */
import { setMaxListeners } from 'node:events';
import type { Bus, BusMessage } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { FleetError, RefusedError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { BothCandidates, Policies } from '../shared/policy/decide-both.ts';
import type { SealOpener } from '../shared/sealing.ts';
import type { PairwiseKeys } from '../shared/pairwise.ts';
import { toHex } from '../shared/signing.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { COMMAND_FIELDS, type Command } from '../shared/wire/command.ts';
import type { SignerIdentity } from '../shared/wire/envelope.ts';
import { firstNotUnderstood } from '../shared/wire/reserved-fields.ts';
import type { RunnableAction } from './actions/action.ts';
import type { ControlDocuments } from './control/control-documents.ts';
import { matchesLive, misaddressed, WhereCache, type LiveFacts } from './addressed.ts';
import { answerTo, isAnswered } from './answered.ts';
import type { Counters } from './counters.ts';
import type { AuditTrail, Decision } from './audit/audit-trail.ts';
import { authorizeConditions } from './authorize-conditions.ts';
import { authorize, authorizeHere } from './authorize.ts';
import { assertFresh, assertNotTooLate, isFresh, isOver, isPatient, overWords } from './freshness.ts';
import { finalOf, Finals } from './finals.ts';
import { byWhom } from './jobs/by-whom.ts';
import { burnedWords, CANCELLED } from './jobs/burned.ts';
import { isJobMessage, JobMessages } from './jobs/job-messages.ts';
import { settleAttempts } from './jobs/retry.ts';
import type { RunningCommand, RunningCommands } from './jobs/running-commands.ts';
import type { OutputSenders, Sending } from './output/output-senders.ts';
import { takeCredit } from './output/take-credit.ts';
import type { Outbox } from './outbox/outbox.ts';
import { isCancel } from './queue/queued-message.ts';
import { addresseeOf, Replier, type Answer, type ReplyDependencies } from './reply.ts';
import { runOf } from './recover.ts';
import { originOf } from './replay/origin.ts';
import { replayKey, type CommandKey, type Remembered, type ReplayMemory } from './replay/replay-memory.ts';
import { assertNotRevoked } from './revoked.ts';
import { Room } from './room.ts';
import { runAction } from './run.ts';
import { isForLater, sayForRecord } from './say-refused.ts';
import type { Secrets } from './secrets/secrets.ts';
import type { ProgramSpool } from './spool/program-spool.ts';
import { StillRunning } from './spool/still-running.ts';
import { assertValidInput, findAction } from './validate.ts';
import { unseal } from './unseal.ts';
import { verifyCommand, type From, type VerifiedCommand } from './verify.ts';

export interface PipelineDependencies {
  readonly node: string;
  readonly identity: SignerIdentity;
  /** Opens what is sealed to this node. */
  readonly opener: SealOpener;
  /** Keys that the node has with callers. @default it signs all that it says */
  readonly pairwise?: PairwiseKeys | undefined;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly memory: ReplayMemory;
  readonly control: Pick<ControlDocuments, 'covers' | 'waitFor'>;
  readonly facts: LiveFacts;
  readonly actions: ReadonlyMap<string, RunnableAction>;
  readonly counters: Counters;
  readonly audit: AuditTrail;
  /** What is to be recorded goes there. */
  readonly outbox: Pick<Outbox, 'put'>;
  /** What programs write goes there. */
  readonly outputs: Pick<OutputSenders, 'start' | 'allow'>;
  /** Where programs outlive the agent. */
  readonly spool?: Pick<ProgramSpool, 'answered' | 'endLeft' | 'findLeft'> | undefined;
  readonly policies: () => Policies;
  /** Whether these very bytes wait in the node's queue, and are carried out from there. */
  readonly holdsQueued: (message: Uint8Array) => Promise<boolean>;
  /** What is under way here, for who cancels it or asks. */
  readonly running: RunningCommands;
  /** Aborts when the agent stops. */
  readonly stop: AbortSignal;
}

/** At least a millisecond: it has its own way of saying that its time is over. */
const timeLimit = ({ options }: Command, { definition }: RunnableAction, now: number): number =>
  Math.max(1, Math.min(options.timeoutMs ?? definition.timeoutMs, (options.endBy ?? Infinity) - now));

/** A command that was taken in, and may be carried out. */
interface Claimed {
  readonly candidates: BothCandidates;
  readonly decision: Decision;
  readonly remembered: Remembered;
  readonly running: RunningCommand;
  readonly replier: Replier;
  /** Room to run is kept for it. */
  readonly hasPlace: boolean;
  /** Called when it runs a program. */
  readonly onOutput: () => void;
}

export class Pipeline {
  readonly #deps: PipelineDependencies & ReplyDependencies;
  readonly #finals: Finals;
  readonly #jobMessages: JobMessages;
  readonly #where = new WhereCache();
  /** Messages under way: waited for at the end. */
  readonly #handling = new Set<Promise<unknown>>();
  readonly #room = new Room();

  constructor(dependencies: PipelineDependencies) {
    this.#deps = { ...dependencies, fleetId: dependencies.trust.fleetId };
    this.#finals = new Finals(dependencies);
    this.#jobMessages = new JobMessages({ ...this.#deps, finals: this.#finals });
    // Every command that runs listens to it: no leak that Node should warn of.
    setMaxListeners(0, dependencies.stop);
  }

  /** Takes a message in; never throws. */
  accept(message: BusMessage): void {
    const handling = this.#handle(message)
      .catch((error: unknown) => this.#drop(error))
      .finally(() => this.#handling.delete(handling));
    this.#handling.add(handling);
  }

  /**
   * Takes in what waited in this node's queue: resolves when its final is kept, whoever carries it out. False while nobody
   * can say who has been revoked: it may wait a little longer. Never throws.
   */
  async carryOut(message: BusMessage): Promise<boolean> {
    const isToRun = !isCancel(message.data);
    if (isToRun) await this.#room.reserve();
    try {
      if (!(await this.#deps.control.waitFor(undefined))) return false;
      const handling = this.#handle(message, 'queue').catch((error: unknown) => this.#drop(error));
      this.#handling.add(handling);
      return (await handling.finally(() => this.#handling.delete(handling))) !== 'later';
    } finally {
      if (isToRun) this.#room.giveBack();
    }
  }

  /** Resolves when everything that was taken in has been answered. */
  async idle(): Promise<void> {
    while (this.#handling.size > 0) await Promise.all(this.#handling);
  }

  /** @returns `later` where nothing was said, and it may be carried out another time */
  async #handle(message: BusMessage, from: From = 'bus'): Promise<'later' | void> {
    const { trust, node, subjects, counters, memory, clock, control, audit } = this.#deps;
    let verified = verifyCommand(message, trust, from);
    const { command } = verified;
    const wrong = misaddressed(command, verified.subject, node, subjects);
    if (wrong !== undefined) return this.#ignore(wrong);
    if (command.kind === 'credit') return counters.count(takeCredit(verified, this.#deps));
    // What came before it goes first: it's carried out when its turn has come there.
    if (from === 'bus' && isPatient(command) && !isJobMessage(command) && (await this.#deps.holdsQueued(message.data)))
      return;
    let isCurrent = control.covers(command.epochs);
    if (!isCurrent) {
      isCurrent = await control.waitFor(command.epochs);
      // Whose signature held may have been revoked by what came meanwhile.
      verified = verifyCommand(message, trust, from);
    }

    const replier = new Replier(addresseeOf(verified), this.#deps);
    const action = this.#deps.actions.get(command.action);
    const key = {
      key: replayKey(verified.caller.credential.body.sign, command.id),
      payload: toHex(verified.payloadHash),
      issued: command.issued,
      expires: command.expires,
    };
    const seen = memory.look(key, action?.definition.effect ?? 'reads');
    if (seen.kind === 'other-bytes') return this.#ignore('id-reused');
    if (seen.kind === 'again') {
      counters.count('repeated');
      await this.#finals.sayAgain(seen.memory, replier);
      return from === 'queue' ? memory.whenEnded(seen.memory) : undefined;
    }

    const isAboutOthers = isJobMessage(command);
    let remembered: Remembered | undefined;
    let running: RunningCommand | undefined;
    let answer: Answer;
    let hasProgram = false;
    const onOutput = (): void => void (hasProgram = true);
    const decision: Decision = { effect: action?.definition.effect ?? 'reads', rule: undefined };
    try {
      if (!isCurrent)
        throw new RefusedError(
          'this node could not fetch the newest policy and revocations from the bus, so nobody may do anything here',
          { code: 'cannot-check-revocation' },
        );
      assertNotRevoked(verified, this.#deps);
      // Before anything is kept or looked up: who may do nothing here costs no memory, and learns nothing of the facts.
      const candidates = isAboutOthers ? undefined : authorize(verified, this.#deps);
      assertFresh(command, clock.now());
      if (candidates === undefined) {
        // A question asked again is answered again.
        remembered = command.kind === 'cancel' ? this.#claimIfRoom(key) : undefined;
        answer = await this.#jobMessages.answer(verified, decision, replier);
      } else {
        if (seen.kind === 'before-floor')
          throw new RefusedError('the command is from a time of which this node has forgotten what it ran', {
            code: 'too-late',
          });
        remembered = memory.claim(key);
        running = this.#deps.running.begin(key.key, clock.now());
        await authorizeHere(verified, this.#deps);
        const matches = await this.#matches(verified);
        if (!matches) counters.count('unmatched');
        answer = matches
          ? await this.#run(verified, action, {
              candidates,
              decision,
              hasPlace: from === 'queue',
              onOutput,
              remembered,
              running,
              replier,
            })
          : { kind: 'unmatched' };
      }
    } catch (error) {
      if (error instanceof StillRunning) {
        // The next agent will have the answer.
        if (running !== undefined) this.#deps.running.end(running, undefined);
        return;
      }
      if (isAboutOthers && remembered !== undefined) {
        // Who may not ask costs no memory.
        memory.release(remembered);
        remembered = undefined;
      }
      if (error instanceof RefusedError) decision.rule = error.rule ?? decision.rule;
      answer = answerTo(error, this.#deps);
      if (from === 'queue' && answer.code === 'too-late' && isOver(command, clock.now()))
        answer = { ...answer, state: 'expired', reason: overWords(command, clock.now()) };
      if (from === 'queue' && remembered === undefined && isForLater(answer)) return 'later';
    }
    let messages: Uint8Array[] = [];
    let isKept = false;
    try {
      // What was taken in matched, or has said that it doesn't.
      const matches = (): boolean | Promise<boolean> => remembered !== undefined || this.#matches(verified);
      if (await isAnswered(verified, answer, matches))
        messages = await this.#finals.seal({ timing: { received: clock.now() }, ...answer }, replier);
      isKept = await this.#finals.keep({ remembered, answer, messages, effect: decision.effect, replier });
    } finally {
      if (running !== undefined) this.#deps.running.end(running, isKept ? finalOf(answer) : undefined);
    }
    audit.answered(verified, answer, decision);
    if (hasProgram && remembered !== undefined) void this.#noteAnswered(remembered);
    const { recordSubject } = replier;
    // A copy that comes too late is told so. What became of the command itself, the record has from when it came in time.
    if (!isKept && (from === 'queue' || (seen.kind === 'new' && isFresh(command, clock.now()))))
      await sayForRecord({ command, key, answer, messages, replier, from }, this.#deps);
    // The last step: what can't be sent now is there for when the command comes again.
    if (!isKept || recordSubject === undefined) replier.resend(messages);
  }

  /** Not before a crash could lose how it ended. */
  async #noteAnswered({ key }: Remembered): Promise<void> {
    await this.#deps.memory.written();
    this.#deps.spool?.answered(runOf(this.#deps.node, key));
  }

  async #run(
    verified: VerifiedCommand,
    wanted: RunnableAction | undefined,
    { candidates, decision, hasPlace, onOutput, remembered, running, replier }: Claimed,
  ): Promise<Answer> {
    const { audit, counters, clock, node, log, memory, stop } = this.#deps;
    const { command, caller } = verified;
    const received = clock.now();
    const unknownField = firstNotUnderstood(command, COMMAND_FIELDS);
    if (unknownField !== undefined)
      throw new RefusedError(`the command needs "${unknownField}", which this agent doesn't know: upgrade it`, {
        code: 'not-understood',
      });
    if (command.kind !== 'command')
      throw new RefusedError(`this agent doesn't take messages of kind ${command.kind}`, { code: 'not-understood' });
    const action = findAction(wanted, command.action, this.#deps.actions.keys());
    const input = assertValidInput(action, command);
    const asked = { action, input, now: clock.now() };
    const permission = await authorizeConditions(verified, candidates, asked, this.#deps);
    decision.rule = permission.rule;
    log.info(permission, 'allowed');
    const secrets = await this.#unseal(verified, action);
    const { name } = caller.credential.body;
    if (!hasPlace) this.#room.enter(name);
    try {
      const done = command.retryOf === undefined ? undefined : await settleAttempts(verified, received, this.#deps);
      if (done !== undefined) return done;
      const isDurable = action.definition.effect === 'changes';
      const origin = originOf(verified, received);
      if (isDurable || command.reply === 'rec') remembered.origin = origin;
      await Promise.all([
        memory.record(remembered, { durable: isDurable }),
        isDurable ? audit.started(verified, decision) : undefined,
      ]);
      assertNotTooLate(command, clock.now());
      // A list may have come since the command did.
      assertNotRevoked(verified, this.#deps);
      if (running.cancelledBy !== undefined) return { ...CANCELLED, reason: burnedWords(CANCELLED) };
      counters.count('accepted');
      const { roles } = caller.credential.body;
      let sending: Sending | undefined;
      const { outcome, started, ended } = await runAction(
        {
          action,
          input,
          timeoutMs: timeLimit(command, action, clock.now()),
          context: {
            node,
            job: command.job,
            caller: { name, roles },
            dryRun: command.options.dryRun === true,
            secrets,
            program: {
              run: runOf(node, remembered.key),
              origin: { ...origin, key: remembered.key, payload: remembered.payload },
            },
            output: (source) => {
              onOutput();
              const { isLive } = origin;
              sending = this.#deps.outputs.start(source, { key: remembered.key, replier, isLive });
            },
          },
          stop,
          cancel: running,
          onRunning: () =>
            void replier
              .send({ kind: 'ack', timing: { received } })
              .catch((error: unknown) => log.debug({ err: error }, 'a sign of life could not be sent')),
        },
        { clock, log },
      );
      sending?.ended(outcome);
      return { kind: 'result', ...byWhom(outcome, running, name), timing: { received, started, ended } };
    } finally {
      if (!hasPlace) this.#room.leave(name);
    }
  }

  /** What ends others is heard also where no more can be remembered: said again, it changes nothing. */
  #claimIfRoom(key: CommandKey): Remembered | undefined {
    try {
      return this.#deps.memory.claim(key, true);
    } catch (error) {
      if (error instanceof RefusedError) return undefined;
      throw error;
    }
  }

  /** What came sealed, with what keeps it out of every word about it: loaded with the first that has any. */
  async #unseal(verified: VerifiedCommand, action: RunnableAction): Promise<Secrets | undefined> {
    if (verified.command.sealed === undefined) return undefined;
    const values = unseal(verified, action, { opener: this.#deps.opener, where: this.#where });
    const { createSecrets } = await import('./secrets/secrets.ts');
    return createSecrets(values);
  }

  async #matches({ command }: VerifiedCommand): Promise<boolean> {
    if (command.target.where === undefined) return true;
    return matchesLive(this.#where.parse(command.target.where), this.#deps.node, this.#deps.facts);
  }

  /** From who may send commands, and not to be carried out here, or not again: never answered. */
  #ignore(why: string): void {
    this.#deps.counters.count(why);
    this.#deps.audit.dropped(why);
  }

  #drop(error: unknown): void {
    const { audit, counters, log } = this.#deps;
    if (error instanceof FleetError) {
      counters.count(`dropped-${error.code}`);
      audit.dropped(error.code);
      log.debug({ code: error.code, reason: error.message }, 'a message was dropped');
    } else {
      counters.count('dropped-internal');
      log.error({ err: error }, 'handling a message broke');
    }
  }
}
