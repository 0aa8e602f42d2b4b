/**
 * The audit trail of an operator, as their command lines write it: what was asked of whom, and how it ended. What changes
 * something is written down and stored before the first command goes out; what only reads, once it has ended.
 */
import { boundedArgs, boundedText } from '../../shared/audit/bounded-args.ts';
import { FleetError } from '../../shared/errors.ts';
import { countStates } from '../../shared/states.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import { formatWhere } from '../../shared/where/format.ts';
import type { Work } from '../plan.ts';
import type { TargetSpec } from '../resolve.ts';
import { exitOfRun } from '../run-exit.ts';
import type { RunResult } from '../run-plan.ts';
import { isWholeFleet } from '../target.ts';
import type { LockedAudit } from './locked-audit.ts';

/** One command, from its plan to its end. */
export interface AskedCommand {
  readonly job: string;
  readonly work: Work;
  readonly target: TargetSpec;
  readonly expected: number;
}

export class CallerAudit {
  readonly #audit: Pick<LockedAudit, 'write' | 'idle'>;
  readonly #onProblem: (line: string) => void;

  constructor(audit: Pick<LockedAudit, 'write' | 'idle'>, onProblem: (line: string) => void) {
    this.#audit = audit;
    this.#onProblem = onProblem;
  }

  /**
   * Before anything is sent that changes something.
   * @throws SettingsError `audit-unwritable`
   */
  async asked(command: AskedCommand): Promise<void> {
    await this.#audit.write({ event: 'asked', ...describe(command), outcome: { expected: command.expected } });
  }

  /** What is no command: a policy, a signature under somebody else's command. @throws SettingsError `audit-unwritable` */
  async did(event: AuditEvent): Promise<void> {
    await this.#audit.write(event);
  }

  /** How it ended; written in the background: see `idle`. */
  ended(command: AskedCommand, result: RunResult): void {
    const { abandoned, ms, nodes, notStarted } = result;
    this.#write(command, {
      expected: command.expected,
      states: countStates(nodes.map(({ state }) => state)),
      exit: exitOfRun(result),
      ms,
      ...(abandoned.length + notStarted.length === 0 ? {} : { code: 'interrupted' }),
    });
  }

  /** It was sent, perhaps, and ended with an error. */
  broke(command: AskedCommand, error: unknown): void {
    const code = error instanceof FleetError ? error.code : 'internal';
    this.#write(command, { code, ...(error instanceof FleetError ? { exit: error.exit } : {}) });
  }

  /** Resolves when everything is written. */
  idle(): Promise<void> {
    return this.#audit.idle();
  }

  #write(command: AskedCommand, outcome: AuditEvent['outcome']): void {
    const { job, work } = command;
    const event: AuditEvent =
      work.effect === 'changes'
        ? { event: 'ended', job, action: work.action, ...taskOf(work), outcome }
        : { event: 'command', ...describe(command), outcome };
    this.#audit.write(event, { isUrgent: false }).catch((error: unknown) => {
      this.#onProblem(error instanceof Error ? error.message : String(error));
    });
  }
}

function describe({ job, target, work }: AskedCommand): Omit<AuditEvent, 'event'> {
  return {
    job,
    action: work.action,
    ...taskOf(work),
    ...boundedArgs(work.args),
    ...(work.secrets === undefined ? {} : { sealed: Object.keys(work.secrets) }),
    ...(work.dryRun ? { dryRun: true } : {}),
    target: { said: boundedText(wordsOf(target)) },
  };
}

const taskOf = ({ action, args }: Work): { task?: string } => {
  const { task } = args;
  return action === 'task.run' && typeof task === 'string' ? { task } : {};
};

/** As it could be typed. */
function wordsOf(target: TargetSpec): string {
  if (isWholeFleet(target)) return 'all';
  const { exclude, limit, nodes, seed, where } = target;
  const words = [
    ...(where === undefined ? [] : [`--where '${formatWhere(where)}'`]),
    ...nodes.map((list) => `--node ${list.join(' ')}`),
    ...(exclude.length === 0 ? [] : [`--exclude ${exclude.join(' ')}`]),
    ...(limit === undefined
      ? []
      : [`--limit ${'percent' in limit ? `${limit.percent}%` : limit.count} --seed ${seed}`]),
  ];
  return words.join(' ');
}
