/**
 * One end of an action: what runs on the node. The other end, its schemas, is in shared/actions/. By the time `run` is
 * called the command is verified, fresh, for this node, allowed, and its input valid.
 */
import type { ActionDefinition, InputOf, OutputOf } from '../../shared/action.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Result } from '../../shared/wire/result.ts';
import type { OutputSource } from '../output/output-source.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { SpooledOrigin } from '../replay/origin.ts';

export interface ActionContext {
  readonly node: string;
  readonly job: string;
  readonly caller: { readonly name: string; readonly roles: readonly string[] };
  /** Say what would be done, do nothing. */
  readonly dryRun: boolean;
  /** Aborts at the time limit, with reason `'timeout'`, or when the caller cancels, with reason `'cancelled'`. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Called by what runs a program that writes: it's sent while it does. @default nobody wants it */
  readonly output?: ((source: OutputSource) => void) | undefined;
  /** What came sealed; absent when nothing did. Apart from the input, so that nobody shows it by chance. */
  readonly secrets?: Secrets | undefined;
  /** How long it may run; `signal` aborts then. For what goes on without this process. */
  readonly timeoutMs?: number | undefined;
  /** For the program that the action runs, if it runs one. */
  readonly program?: ProgramOfCommand | undefined;
}

export interface ProgramOfCommand {
  /** The same for the same command, also for the next agent, which looks for its program by it. */
  readonly run: string;
  readonly origin: SpooledOrigin;
}

export interface ActionOutcome<Data = unknown> {
  readonly state: 'ok' | 'failed' | 'timeout' | 'cancelled' | 'refused' | 'lost';
  /** Stable, kebab-case, for programs: `no-such-task`, `exit-code`, `not-found`, … Absent when `ok`. */
  readonly code?: string;
  /** One line for people. Absent when `ok`. */
  readonly reason?: string;
  readonly data?: Data;
  /** Of a program: what each output stream was, in whole. */
  readonly streams?: Result['streams'];
}

/** An action with its implementation. */
export interface RunnableAction {
  readonly definition: ActionDefinition;
  /**
   * What conditions of a policy see of valid input, as the action itself will understand it; may refuse it.
   * @param sealed names of what came sealed, and has no value here
   * @default the input
   */
  conditionArgs?(input: unknown, sealed: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  /** `input` has passed `definition.input`; the outcome's data is checked against `definition.output` by the caller. */
  run(input: unknown, context: ActionContext): Promise<ActionOutcome>;
}

/** Ties a typed function to its definition. */
export function implement<A extends ActionDefinition>(
  definition: A,
  run: (input: InputOf<A>, context: ActionContext) => Promise<ActionOutcome<OutputOf<A>>>,
  conditionArgs?: (input: InputOf<A>, sealed: readonly string[]) => Promise<Readonly<Record<string, unknown>>>,
): RunnableAction {
  return {
    definition,
    run: (input, context) => run(input as InputOf<A>, context),
    ...(conditionArgs === undefined
      ? {}
      : { conditionArgs: (input: unknown, sealed: readonly string[]) => conditionArgs(input as InputOf<A>, sealed) }),
  };
}
