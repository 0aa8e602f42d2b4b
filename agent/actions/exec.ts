/** Runs a program. How it's started, bounded and ended is in agent/process/run-program.ts. */
import { exec } from '../../shared/actions/exec.ts';
import { runProgram, type ProgramHost } from '../process/run-program.ts';
import { implement, type RunnableAction } from './action.ts';

export function execAction(host: ProgramHost): RunnableAction {
  return implement(exec, async (input, context) => {
    const env = { ...input.env, ...context.secrets?.values };
    if (!context.dryRun) return await runProgram({ ...input, env }, context, host);
    const as = input.user === undefined ? '' : ` as ${input.user}`;
    return {
      state: 'ok',
      reason: `would run${as}: ${input.argv.join(' ')}`,
      data: { exit: null, signal: null, stdout: '', stderr: '', truncated: null },
    };
  });
}
