/**
 * The audit trail of a node: what was asked of it and by whom, what was decided by which rule, and how it ended. One
 * record for what only reads, two for what changes something, one for a refusal; messages that nobody can be held to are
 * counted, and told once a minute.
 */
import { boundedArgs, boundedText } from '../../shared/audit/bounded-args.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import type { AuditLog } from '../../shared/audit/audit-log.ts';
import type { Answer } from '../reply.ts';
import type { Origin } from '../replay/origin.ts';
import type { VerifiedCommand } from '../verify.ts';
import type { AuditTrail, Decision } from './audit-trail.ts';
import { auditedMessage } from './audited-message.ts';
import { Summary } from './summary.ts';

/** Names of the parameters of a task that nobody may read. */
export type SensitiveOf = (task: string) => ReadonlySet<string>;

type NodeAuditLog = Pick<AuditLog, 'append' | 'record' | 'close'>;

export class NodeAudit implements AuditTrail {
  readonly #log: NodeAuditLog;
  readonly #sensitiveOf: SensitiveOf;
  readonly #started = new WeakSet<VerifiedCommand>();
  readonly #dropped: Summary;
  readonly #refused: Summary;

  constructor(log: NodeAuditLog, sensitiveOf: SensitiveOf) {
    this.#log = log;
    this.#sensitiveOf = sensitiveOf;
    this.#dropped = new Summary((counts) => log.append({ event: 'dropped', details: counts }));
    this.#refused = new Summary((counts) => log.append({ event: 'refused-more', details: counts }));
  }

  started(verified: VerifiedCommand, { rule }: Decision): Promise<void> {
    this.#started.add(verified);
    const decision = { allowed: true, ...ruleOf(rule) };
    // That it was asked is synced by the memory of commands; a second sync for each would cost more than all the rest.
    return this.#log.record({ event: 'started', ...this.#asked(verified), decision }, { durable: false });
  }

  answered(verified: VerifiedCommand, answer: Answer, { effect, rule }: Decision): void {
    if (answer.state === 'refused' || answer.state === 'expired') return this.#refuse(verified, answer, rule);
    // Of what is asked of the whole fleet, most nodes have nothing to say.
    if (answer.kind === 'unmatched' && effect === 'reads') return;
    // That somebody is there is all that it says, and services ask for it again and again.
    if (answer.state === 'ok' && isSignOfLife(verified, effect)) return;
    const outcome = outcomeOf(answer);
    if (!this.#started.has(verified))
      return this.#log.append({
        event: verified.command.kind === 'cancel' ? 'cancel' : 'command',
        ...this.#asked(verified),
        decision: { allowed: true, ...ruleOf(rule) },
        outcome,
      });
    const { job, id, action } = verified.command;
    this.#log.append({ event: 'ended', caller: callerOf(verified), job, id, action, ...taskOf(verified), outcome });
  }

  recovered({ action, caller, id, job, task }: Origin, answer: Answer): void {
    const of = { caller, job, id: Buffer.from(id, 'hex'), action, ...(task === undefined ? {} : { task }) };
    this.#log.append({ event: 'ended', ...of, outcome: outcomeOf(answer) });
  }

  dropped(why: string): void {
    this.#dropped.count(why);
  }

  /** Writes down what was only counted so far, and that the agent ends; gives the bus a moment to take it. */
  async close(): Promise<void> {
    this.#dropped.tell();
    this.#refused.tell();
    this.#log.append({ event: 'agent-stop' });
    await this.#log.close();
  }

  /** Who is refused again and again fills no disk. */
  #refuse(verified: VerifiedCommand, { code = 'refused' }: Answer, rule: string | undefined): void {
    const caller = callerOf(verified);
    if (this.#refused.count(`${caller.name} ${caller.serial}`, LIMITS.auditRefusals) === 'counted') return;
    this.#log.append({
      event: 'refused',
      ...this.#asked(verified),
      decision: { allowed: false, ...ruleOf(rule), code },
    });
  }

  /** Field by field: this is on the way of every command. */
  #asked(verified: VerifiedCommand): Omit<AuditEvent, 'event'> {
    const { id, action, options, sealed, target, via } = verified.command;
    const about = auditedMessage(verified.command);
    const approvers = verified.signers
      .slice(1)
      .map(({ credential: { body } }) => ({ name: body.name, serial: body.serial }));
    return {
      caller: callerOf(verified),
      ...(approvers.length === 0 ? {} : { approvers }),
      job: about?.job ?? verified.command.job,
      id,
      action,
      ...taskOf(verified),
      ...boundedArgs(about?.args ?? this.#openArgs(verified)),
      ...(sealed === undefined ? {} : { sealed: sealed.names }),
      ...(options.dryRun === true ? { dryRun: true } : {}),
      target: {
        via,
        ...(target.where === undefined ? {} : { where: boundedText(target.where) }),
        ...(target.nodes === undefined ? {} : { named: target.nodes.length }),
      },
    };
  }

  /** A foreign controller may send in the clear what has to be sealed: it's refused, and not kept for a year. */
  #openArgs({ command: { action, args } }: VerifiedCommand): Readonly<Record<string, unknown>> {
    const { task, args: given } = args;
    if (action !== 'task.run' || typeof task !== 'string' || typeof given !== 'object' || given === null) return args;
    const sensitive = this.#sensitiveOf(task);
    if (sensitive.size === 0) return args;
    const shown = Object.entries(given).map(([name, value]) => [name, sensitive.has(name) ? '[redacted]' : value]);
    return { ...args, args: Object.fromEntries(shown) as Record<string, unknown> };
  }
}

const isSignOfLife = ({ caller, command }: VerifiedCommand, effect: Decision['effect']): boolean =>
  effect === 'reads' &&
  command.kind === 'command' &&
  command.action === 'ping' &&
  caller.credential.body.kind === 'service';

function callerOf({ caller }: VerifiedCommand): NonNullable<AuditEvent['caller']> {
  const { name, serial, kind } = caller.credential.body;
  return { name, serial, kind };
}

function taskOf({ command: { action, args } }: VerifiedCommand): { task?: string } {
  const { task } = args;
  return action === 'task.run' && typeof task === 'string' ? { task: task.slice(0, LIMITS.taskNameBytes) } : {};
}

const ruleOf = (rule: string | undefined): { rule?: string } => (rule === undefined ? {} : { rule: boundedText(rule) });

function outcomeOf({ kind, state, code, data, timing }: Answer): NonNullable<AuditEvent['outcome']> {
  const exit = (data as { exit?: unknown } | null | undefined)?.exit;
  const { started, ended } = timing ?? {};
  return {
    state: kind === 'unmatched' ? kind : state,
    ...(code === undefined ? {} : { code }),
    ...(typeof exit === 'number' && Number.isInteger(exit) ? { exit } : {}),
    ...(started === undefined || ended === undefined ? {} : { ms: ended - started }),
  };
}
