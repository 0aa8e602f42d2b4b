/** Signals processes by name. What is matched, spared and waited for is in agent/process/kill.ts. */
import { processSignal, type SignalledProcess } from '../../shared/actions/process-signal.ts';
import { LIMITS } from '../../shared/limits.ts';
import { killProcesses, type KillDependencies } from '../process/kill.ts';
import { abortState } from '../process/program-outcome.ts';
import { implement, type RunnableAction } from './action.ts';

export function processSignalAction(dependencies: KillDependencies): RunnableAction {
  return implement(processSignal, async ({ select, signal, graceMs }, context) => {
    const { dryRun, signal: abort } = context;
    const data = await killProcesses({ select, signal, graceMs, dryRun, abort }, dependencies);
    if (abort.aborted) {
      const { state, reason } = abortState(abort.reason);
      return { state, code: state, reason: `${reason}${describeRemaining(data.remaining, '; still there: ')}`, data };
    }
    if (data.remaining.length === 0) return { state: 'ok', data };
    return { state: 'failed', code: 'remaining', reason: describeRemaining(data.remaining, 'still there: '), data };
  });
}

function describeRemaining(remaining: readonly SignalledProcess[], intro: string): string {
  if (remaining.length === 0) return '';
  const shown = remaining.slice(0, LIMITS.reasonNames);
  const names = shown.map(({ name, pid, reason }) => `${name} (${pid}${reason === undefined ? '' : `, ${reason}`})`);
  const more = remaining.length > shown.length ? ` and ${remaining.length - shown.length} more` : '';
  return `${intro}${names.join(', ')}${more}`;
}
