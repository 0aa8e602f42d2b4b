/** The exit code of a command that was sent: by the states of its nodes, unless it was cut short. */
import { EXIT, type ExitCode } from '../shared/errors.ts';
import { countStates, exitCodeOf } from '../shared/states.ts';
import type { RunResult } from './run-plan.ts';

export function exitOfRun({
  nodes,
  abandoned,
  notStarted,
  lostBus,
  detached,
}: Pick<RunResult, 'nodes' | 'abandoned' | 'notStarted' | 'lostBus' | 'detached'>): ExitCode {
  if (detached) return EXIT.ok;
  if (lostBus !== undefined) return EXIT.bus;
  if (abandoned.length + notStarted.length > 0) return EXIT.interrupted;
  return exitCodeOf(countStates(nodes.map(({ state }) => state)));
}
