/** Who runs programs for this agent: a runner, which outlives it, wherever one can be started. */
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { ProcessScope } from './process/process-table.ts';
import { ownPrograms, type Programs } from './process/programs.ts';
import type { Users } from './process/users.ts';
import type { AgentSettings } from './settings.ts';
import type { RunnerProgram } from './spool/launch-runner.ts';
import { ProgramSpool } from './spool/program-spool.ts';

export interface OpenProgramsDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly users: Users;
  /** @default programs end with this process */
  readonly runner?: RunnerProgram | undefined;
}

export function openPrograms(
  { spool: limits, stateDir }: Pick<AgentSettings, 'spool' | 'stateDir'>,
  scope: ProcessScope,
  { clock, log, runner, users }: OpenProgramsDependencies,
): { readonly programs: Programs; readonly spool: ProgramSpool | undefined } {
  const host = scope.kind === 'marked' ? { marks: { [scope.variable]: scope.value } } : {};
  if (runner === undefined) return { programs: ownPrograms({ users, clock, ...host }), spool: undefined };
  const spool = new ProgramSpool({ stateDir, runner, host, ...limits }, { clock, log });
  return { programs: spool, spool };
}
