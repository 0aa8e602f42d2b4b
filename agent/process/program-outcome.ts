/** How the end of a program becomes the outcome of an action: state, code, one line for people, and the data. */
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import { ActionError, RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { ActionOutcome } from '../actions/action.ts';
import type { KeptOutput } from './bounded-output.ts';
import type { ProcessStat } from './proc-stat.ts';

export interface ProgramExit {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
}

export function describeExit(end: ProgramExit, stdout: KeptOutput, stderr: KeptOutput): ProgramOutcome {
  const cut = {
    ...(stdout.droppedBytes > 0 && { stdout: stdout.droppedBytes }),
    ...(stderr.droppedBytes > 0 && { stderr: stderr.droppedBytes }),
  };
  return {
    exit: end.exit,
    // Signals have the names that `kill --signal` takes.
    signal: end.signal === null ? null : end.signal.replace(/^SIG/, ''),
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: Object.keys(cut).length === 0 ? null : cut,
  };
}

export function exitOutcome(data: ProgramOutcome): ActionOutcome<ProgramOutcome> {
  if (data.exit === 0) return { state: 'ok', data };
  if (data.signal !== null) {
    return { state: 'failed', code: 'signal', reason: `ended by signal ${data.signal}`, data };
  }
  const line = lastLine(data.stderr);
  return { state: 'failed', code: 'exit-code', reason: `exit ${data.exit}${line === '' ? '' : `: ${line}`}`, data };
}

/** A program that was ended because the command was; `remaining` is what could not be ended. */
export function endedOutcome(
  why: unknown,
  data: ProgramOutcome,
  remaining: readonly ProcessStat[],
): ActionOutcome<ProgramOutcome> {
  const { state, reason } = abortState(why);
  if (remaining.length === 0) return { state, code: state, reason, data };
  const names = remaining.slice(0, LIMITS.reasonNames).map((process) => `${process.comm} (${process.pid})`);
  const more = remaining.length > names.length ? ` and ${remaining.length - names.length} more` : '';
  return { state, code: 'remaining', reason: `${reason}, but still there: ${names.join(', ')}${more}`, data };
}

/** What an aborted signal's reason says about the final state. */
export function abortState(why: unknown): { state: 'timeout' | 'cancelled'; reason: string } {
  return why === 'timeout'
    ? { state: 'timeout', reason: 'stopped at its time limit' }
    : { state: 'cancelled', reason: 'stopped because the caller said so' };
}

/** Turns the errors that say who has to act into outcomes; any other is a bug, and goes on. */
export async function settle<Data>(run: () => Promise<ActionOutcome<Data>>): Promise<ActionOutcome<Data>> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ActionError) return { state: 'failed', code: error.code, reason: error.message };
    if (error instanceof RefusedError) {
      const reason = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
      return { state: 'refused', code: error.code, reason };
    }
    throw error;
  }
}

function lastLine(text: string): string {
  const line =
    text
      .trimEnd()
      .split(/[\r\n]/)
      .at(-1) ?? '';
  const shown = [...line.trim()];
  if (shown.length <= LIMITS.reasonLineLength) return shown.join('');
  return `${shown.slice(0, LIMITS.reasonLineLength).join('')}…`;
}
