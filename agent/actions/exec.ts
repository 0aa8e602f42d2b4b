/** Runs a program. How it outlives the agent is in agent/spool/, how it's started and ended in agent/process/run-program.ts. */
import { exec } from '../../shared/actions/exec.ts';
import type { Programs } from '../process/programs.ts';
import { implement, type RunnableAction } from './action.ts';

export function execAction(programs: Programs): RunnableAction {
  return implement(exec, async (input, context) => {
    const env = { ...input.env, ...context.secrets?.values };
    if (!context.dryRun) return await programs.run({ ...input, env }, context);
    const as = input.user === undefined ? '' : ` as ${input.user}`;
    return {
      state: 'ok',
      reason: `would run${as}: ${input.argv.join(' ')}`,
      data: { exit: null, signal: null, stdout: '', stderr: '', truncated: null },
    };
  });
}
