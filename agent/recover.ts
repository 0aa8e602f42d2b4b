/**
 * What an earlier agent had begun and did not live to answer: programs that still run are followed, those that ended
 * meanwhile are reported as that agent would have, and of the rest it's said at once what can be known. Each goes through
 * the same last step as any other command. Output that it had not handed over is sent on.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../shared/clock.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import type { AuditTrail } from './audit/audit-trail.ts';
import { CANNOT_KNOW, type Finals } from './finals.ts';
import { byWhom } from './jobs/by-whom.ts';
import type { RunningCommand, RunningCommands } from './jobs/running-commands.ts';
import type { OutputSenders } from './output/output-senders.ts';
import { Replier, type Answer, type ReplyDependencies } from './reply.ts';
import { addresseeAt, SpooledOrigin, type Origin } from './replay/origin.ts';
import type { Remembered, ReplayMemory } from './replay/replay-memory.ts';
import { REBOOTED } from './spool/left-behind.ts';
import { outcomeOf, type ProgramSpool } from './spool/program-spool.ts';
import { StillRunning } from './spool/still-running.ts';
import type { ExclusiveTasks } from './tasks/exclusive-tasks.ts';

export interface RecoveryDependencies extends ReplyDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: ReplayMemory;
  readonly finals: Finals;
  readonly audit: Pick<AuditTrail, 'recovered'>;
  readonly outputs: Pick<OutputSenders, 'start'>;
  /** Undefined where programs end with the agent. */
  readonly spool: ProgramSpool | undefined;
  readonly exclusive: ExclusiveTasks;
  /** Where who cancels one finds it. */
  readonly running: RunningCommands;
  /** How old output may get that nobody has fetched. */
  readonly maxAgeMs: number;
}

/** Name of the run of a command's program: several nodes of one machine may carry out the same command. */
export const runOf = (node: string, key: string): string =>
  createHash('sha256').update(`${node}\0${key}`).digest('hex').slice(0, 24);

type Unfinished = Remembered & { readonly origin: Origin };

export class Recovery {
  readonly #deps: RecoveryDependencies;
  readonly #handling = new Set<Promise<void>>();

  constructor(dependencies: RecoveryDependencies) {
    this.#deps = dependencies;
  }

  /** Resolves when everything that runs is known, before new commands are taken in; the answers come later. */
  async start(): Promise<void> {
    const { log, memory, node, spool } = this.#deps;
    const unfinished = memory.unfinished();
    await spool?.reconnect();
    await this.#sendOn(new Set(unfinished.map(({ key }) => runOf(node, key))));
    if (unfinished.length > 0)
      log.info({ commands: unfinished.length }, 'an earlier agent had begun what it did not answer');
    for (const one of unfinished) {
      memory.resume(one);
      const running = this.#deps.running.begin(one.key, one.origin.received);
      const handling = this.#answer(one, running)
        .catch((error: unknown) => {
          if (!(error instanceof StillRunning)) log.error({ err: error }, 'answering for an earlier agent broke');
        })
        .finally(() => {
          this.#deps.running.end(running, one.final);
          this.#handling.delete(handling);
        });
      this.#handling.add(handling);
    }
  }

  /** Resolves when everything has been answered, or been left to the next agent. */
  async idle(): Promise<void> {
    while (this.#handling.size > 0) await Promise.all(this.#handling);
  }

  /** The output of programs whose end was told. */
  async #sendOn(unfinished: ReadonlySet<string>): Promise<void> {
    const { clock, log, maxAgeMs, outputs, spool } = this.#deps;
    for (const { run, origin, ended } of (await spool?.list()) ?? []) {
      if (unfinished.has(run)) continue;
      const asked = SpooledOrigin.safeParse(origin).data;
      const isWanted = asked?.reply === 'rec' && ended !== undefined && clock.now() - ended.ended < maxAgeMs;
      if (ended === undefined) log.warn({ run }, 'a program ran of which the memory of commands knows nothing');
      const source = isWanted ? await spool?.rejoin(run, 'runner-gone') : undefined;
      if (source === undefined || asked === undefined) spool?.forget(run);
      else {
        const replier = this.#replierFor(asked);
        const sending = outputs.start(source, { key: asked.key, replier, isLive: asked.isLive });
        sending.ended(outcomeOf(await source.ended));
        source.answered();
      }
    }
  }

  async #answer(memory: Unfinished, running: RunningCommand): Promise<void> {
    const { audit, finals, log, node, spool } = this.#deps;
    const { key, origin, payload } = memory;
    const run = runOf(node, key);
    const asked = { ...origin, key, payload };
    const replier = this.#replierFor(asked);
    const answer = await this.#outcome(run, asked, replier, running);
    log.info({ job: origin.job, run, state: answer.state, code: answer.code }, 'an earlier agent is answered for');
    const messages = await finals.seal(answer, replier);
    await finals.keep({ remembered: memory, answer, messages, effect: 'changes', replier });
    audit.recovered(origin, answer);
    if (replier.recordSubject === undefined) replier.resend(messages);
    await this.#deps.memory.written();
    spool?.answered(run);
  }

  async #outcome(run: string, asked: SpooledOrigin, replier: Replier, running: RunningCommand): Promise<Answer> {
    const { exclusive, memory, spool } = this.#deps;
    const { received, task } = asked;
    const over = task === undefined ? undefined : exclusive.begin(task);
    try {
      const program = await spool?.rejoin(run, memory.wasRebooted ? 'rebooted' : 'runner-gone');
      if (spool === undefined || program === undefined)
        return { ...(memory.wasRebooted ? WAS_REBOOTED : CANNOT_KNOW), timing: { received } };
      const sending = this.#deps.outputs.start(program, { key: asked.key, replier, isLive: asked.isLive });
      const stop = new AbortController();
      const uncancel = running.onCancel(() => stop.abort('cancelled'));
      const end = await this.#whileAlive(spool.follow(program, stop.signal), replier, received).finally(uncancel);
      sending.ended(outcomeOf(end));
      const outcome = byWhom(outcomeOf(end), running, asked.caller.name);
      return { kind: 'result', ...outcome, timing: { received, started: end.started, ended: end.ended } };
    } finally {
      over?.();
    }
  }

  /** Callers wait for signs of life, which stopped with the earlier agent. */
  async #whileAlive<T>(ended: Promise<T>, replier: Replier, received: number): Promise<T> {
    const tell = (): void =>
      void replier
        .send({ kind: 'ack', timing: { received } })
        .catch((error: unknown) => this.#deps.log.debug({ err: error }, 'a sign of life could not be sent'));
    tell();
    const heartbeat = setInterval(tell, LIMITS.heartbeatMs);
    try {
      return await ended;
    } finally {
      clearInterval(heartbeat);
    }
  }

  #replierFor(asked: SpooledOrigin): Replier {
    // Behind whatever the earlier agent has said: it didn't say a thing each millisecond.
    return new Replier(addresseeAt(asked), this.#deps, Math.max(1, this.#deps.clock.now() - asked.received));
  }
}

const WAS_REBOOTED: Answer = { kind: 'result', state: 'failed', code: 'rebooted', reason: REBOOTED };
