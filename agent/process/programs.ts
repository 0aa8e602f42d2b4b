/** Who runs the programs of actions: the runner, through the spool; or, for an agent within a test, its own process. */
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import type { ActionContext, ActionOutcome } from '../actions/action.ts';
import { runProgram, type ProgramHost, type ProgramRequest } from './run-program.ts';

/** What a program needs to know of the command that it belongs to. */
export type ProgramPlace = Pick<ActionContext, 'job' | 'signal' | 'secrets' | 'program' | 'output'> & {
  /** How long it may run, by the clock of who runs it. @default as long as `signal` lets it */
  readonly timeoutMs?: number | undefined;
};

export interface Programs {
  /** @throws StillRunning when the agent ends before the program does */
  run(request: ProgramRequest, place: ProgramPlace): Promise<ActionOutcome<ProgramOutcome>>;
}

/** Programs that end with this process. */
export function ownPrograms(host: ProgramHost): Programs {
  return { run: (request, { job, secrets, signal }) => runProgram(request, { job, secrets, signal }, host) };
}
