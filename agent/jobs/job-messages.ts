/**
 * What a node does with messages about commands that were sent before: ends what runs and burns the id of what hasn't come
 * (`cancel`), or says what it knows of them (`status`). Said twice, a cancel changes nothing more.
 */
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { JOB_ACTIONS } from '../../shared/policy/job-actions.ts';
import { toHex } from '../../shared/signing.ts';
import { COMMAND_FIELDS, type Command } from '../../shared/wire/command.ts';
import {
  CancelArgs,
  StatusArgs,
  type CommandFate,
  type JobMessageData,
  type StatusArgs as Commands,
} from '../../shared/wire/job-message.ts';
import { firstNotUnderstood } from '../../shared/wire/reserved-fields.ts';
import type { Decision } from '../audit/audit-trail.ts';
import type { AuthorizeDependencies } from '../authorize.ts';
import { CANNOT_KNOW, type Finals } from '../finals.ts';
import { runOf } from '../recover.ts';
import type { Final } from '../replay/journal.ts';
import { replayKey, type ReplayMemory } from '../replay/replay-memory.ts';
import { addresseeOf, Replier, type Answer, type ReplyDependencies } from '../reply.ts';
import type { ProgramSpool } from '../spool/program-spool.ts';
import type { VerifiedCommand } from '../verify.ts';
import { authorizeJob, mayAnything } from './authorize-job.ts';
import { burnedWords, CANCELLED, isBurned } from './burned.ts';
import type { RunningCommands } from './running-commands.ts';

export type JobMessageDependencies = AuthorizeDependencies &
  ReplyDependencies & {
    readonly memory: ReplayMemory;
    readonly running: RunningCommands;
    readonly finals: Finals;
    readonly node: string;
    /** Undefined where programs end with the agent. */
    readonly spool?: Pick<ProgramSpool, 'endLeft'> | undefined;
  };

export const isJobMessage = ({ kind }: Command): boolean => kind === 'cancel' || kind === 'status';

export class JobMessages {
  readonly #deps: JobMessageDependencies;

  constructor(dependencies: JobMessageDependencies) {
    this.#deps = dependencies;
  }

  /** @throws RefusedError */
  async answer(verified: VerifiedCommand, decision: Decision, replier: Replier): Promise<Answer> {
    const { command, caller } = verified;
    assertActedOn(command);
    const isCancel = command.kind === 'cancel';
    const { args, until } = readJobArgs(command);
    const own = Buffer.compare(args.caller, caller.credential.body.sign) === 0;
    const { clock } = this.#deps;
    const received = clock.now();
    const action = isCancel ? JOB_ACTIONS.cancel : JOB_ACTIONS.status;
    decision.rule = await authorizeJob(verified, action, { own }, received, this.#deps);
    if (!isCancel) return ok(this.#look(args));
    if (until > received + LIMITS.cancelReachMs + LIMITS.clockSkewMs)
      throw new RefusedError('a cancel reaches no further than seven days', { code: 'invalid-input' });
    const alive = this.#sayAlive(replier, received);
    try {
      return this.#answerOf(await this.#cancelAll(verified, args, until, own), received);
    } finally {
      alive.end();
    }
  }

  #look(args: Commands): JobMessageData {
    const { memory, running } = this.#deps;
    const commands = args.commands.map(({ id }): CommandFate => {
      const key = replayKey(args.caller, id);
      const [runs, known] = [running.get(key), memory.find(key)];
      if (runs !== undefined) return { id: toHex(id), was: 'running', since: runs.since };
      return { id: toHex(id), ...fateOf(known) };
    });
    return { commands };
  }

  #cancelAll(verified: VerifiedCommand, args: Commands, until: number, own: boolean): Promise<Cancelled[]> {
    const by = verified.caller.credential.body.name;
    const isTold = own && mayAnything(verified, this.#deps);
    return Promise.all(
      args.commands.map(async ({ id, payload }) => {
        const key = replayKey(args.caller, id);
        const found = await this.#cancel({ key, payload: toHex(payload), expires: until }, by);
        const isUnknown = found.was === 'unknown' || found.code === CANNOT_KNOW.code;
        const left = isUnknown ? await this.#deps.spool?.endLeft(runOf(this.#deps.node, key)) : undefined;
        const fate: Fate =
          left === undefined ? found : { was: 'running', ...(left.length === 0 ? STOPPED : REMAINING) };
        // Of one's own it's known where it is recorded: nobody has to wait for a command that may never come.
        if (isTold && fate.was === 'not-started') await this.#report(verified, { id, payload, job: args.job, key });
        return { fate: { id: toHex(id), ...fate }, left: left ?? [] };
      }),
    );
  }

  async #cancel(command: { key: string; payload: string; expires: number }, by: string): Promise<Fate> {
    const { memory, running } = this.#deps;
    for (;;) {
      const runs = running.get(command.key);
      runs?.cancel(by);
      const final = await runs?.ended;
      if (final !== undefined) return { was: 'running', ...endOf(final) };
      const known = await memory.burn(command, CANCELLED);
      if (known === undefined) return { was: 'not-started', ...endOf(CANCELLED) };
      // It may have come just now.
      if (running.get(command.key) === undefined) return fateOf(known);
    }
  }

  async #report(
    verified: VerifiedCommand,
    { id, payload, job, key }: { id: Uint8Array; payload: Uint8Array; job: string; key: string },
  ): Promise<void> {
    const { finals, memory } = this.#deps;
    const remembered = memory.find(key);
    const command: Command = { ...verified.command, id, job, reply: 'rec' };
    const replier = new Replier(addresseeOf({ ...verified, command, payloadHash: payload }), this.#deps);
    const answer: Answer = { ...CANCELLED, reason: burnedWords(CANCELLED) };
    const messages = await finals.seal(answer, replier);
    await finals.keep({ remembered, answer, messages, effect: 'changes', replier });
  }

  #answerOf(cancelled: Cancelled[], received: number): Answer {
    const commands = cancelled.map(({ fate }) => fate);
    const left = cancelled.flatMap((one) => one.left);
    const timing = { received, ended: this.#deps.clock.now() };
    const unknown = commands.find(({ was }) => was === 'unknown');
    if (unknown !== undefined)
      return {
        kind: 'result',
        state: 'failed',
        code: 'cannot-know',
        reason: 'the agent was restarted after it took the command: it may have run, and what it started may go on',
        data: { commands },
        timing,
      };
    const goesOn = commands.find(({ code }) => code === 'remaining' || code === 'did-not-stop');
    if (goesOn?.code === undefined || goesOn.was !== 'running') return { ...ok({ commands }), timing };
    const where =
      left.length === 0
        ? ': fleet job show says what'
        : `, as ${left.length === 1 ? 'process' : 'processes'} ${left.join(', ')}`;
    const reason = `told to stop, and something of it is still there${where}`;
    return { kind: 'result', state: 'failed', code: goesOn.code, reason, data: { commands }, timing };
  }

  /** A tree of processes takes its time to end. */
  #sayAlive(replier: Replier, received: number): { end(): void } {
    const { log } = this.#deps;
    const say = (): void =>
      void replier
        .send({ kind: 'ack', timing: { received } })
        .catch((error: unknown) => log.debug({ err: error }, 'a sign of life could not be sent'));
    let heartbeat: NodeJS.Timeout | undefined;
    const quick = setTimeout(() => {
      say();
      heartbeat = setInterval(say, LIMITS.heartbeatMs);
    }, LIMITS.quickResultMs);
    return {
      end: () => {
        clearTimeout(quick);
        clearInterval(heartbeat);
      },
    };
  }
}

type Fate = Omit<CommandFate, 'id'>;

interface Cancelled {
  readonly fate: CommandFate;
  /** Process ids of what its runner did not outlive, and what did not end. */
  readonly left: readonly number[];
}

/** What went on without its runner: how that ended now. The last word of the command stays what it was. */
const STOPPED = { state: 'cancelled', code: 'cancelled' } as const;
const REMAINING = { state: 'cancelled', code: 'remaining' } as const;

const ok = (data: JobMessageData): Answer => ({ kind: 'result', state: 'ok', data });

const endOf = ({ kind, state, code }: Final): Pick<CommandFate, 'state' | 'code'> => {
  const how = kind === 'unmatched' ? kind : state;
  return { ...(how === undefined ? {} : { state: how }), ...(code === undefined ? {} : { code }) };
};

/** Of one that doesn't run in this agent. */
function fateOf(known: { readonly final?: Final | undefined } | undefined): Fate {
  if (known === undefined) return { was: 'not-started' };
  if (known.final === undefined) return { was: 'unknown' };
  return { was: isBurned(known.final) ? 'not-started' : 'ended', ...endOf(known.final) };
}

/** @throws RefusedError `not-understood` */
function assertActedOn(command: Command): void {
  const field = firstNotUnderstood(command, COMMAND_FIELDS);
  if (field === undefined) return;
  throw new RefusedError(`the message needs "${field}", which this agent doesn't know: upgrade it`, {
    code: 'not-understood',
  });
}

/** @throws RefusedError `invalid-input` */
export function readJobArgs({ action, args, kind, target }: Command): { args: Commands; until: number } {
  const isNamed = target.nodes !== undefined && target.where === undefined;
  if (kind === 'cancel' && action === JOB_ACTIONS.cancel && isNamed) {
    const read = CancelArgs.safeParse(args);
    if (read.success) return { args: read.data, until: read.data.until };
  } else if (kind === 'status' && action === JOB_ACTIONS.status && isNamed) {
    const read = StatusArgs.safeParse(args);
    if (read.success) return { args: read.data, until: 0 };
  }
  throw new RefusedError(`a message of the kind ${kind} says which commands it is about, and names its nodes`, {
    code: 'invalid-input',
  });
}
