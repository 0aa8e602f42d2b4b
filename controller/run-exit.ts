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
  queued,
}: Pick<RunResult, 'nodes' | 'abandoned' | 'notStarted' | 'lostBus' | 'detached'> &
  Partial<Pick<RunResult, 'queued'>>): ExitCode {
  if (detached) return EXIT.ok;
  if (lostBus !== undefined) return EXIT.bus;
  if (abandoned.length + notStarted.length > 0) return EXIT.interrupted;
  // What waits for a node was handed over, as what is detached.
  if (nodes.length === 0 && (queued?.nodes.length ?? 0) > 0) return EXIT.ok;
  return exitCodeOf(countStates(nodes.map(({ state }) => state)));
}
