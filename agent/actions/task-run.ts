/** Runs a task: binds its parameters, keeps its time limit and its exclusiveness, and hands it to runProgram. */
import type { InputOf } from '../../shared/action.ts';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import { taskRun } from '../../shared/actions/task-run.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { settle } from '../process/program-outcome.ts';
import { runProgram, type ProgramHost } from '../process/run-program.ts';
import { bindParameters, openParameters } from '../tasks/bind-parameters.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { Task } from '../tasks/task.ts';
import { implement, type ActionContext, type ActionOutcome, type RunnableAction } from './action.ts';

type Outcome = ActionOutcome<ProgramOutcome>;

export function taskRunAction({ tasks, host }: { tasks: TaskStore; host: ProgramHost }): RunnableAction {
  /** Names of the exclusive tasks that run. */
  const running = new Set<string>();

  const find = async (name: string): Promise<Task> => {
    const task = await tasks.get(name);
    if (task !== undefined) return task;
    const known = (await tasks.list()).map((other) => other.name);
    const [nearest] = nearestNames(name, known, 1);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw new RefusedError(`there is no task ${name} on this node${hint}`, { code: 'no-such-task' });
  };
  const run = ({ task: name, args = {} }: InputOf<typeof taskRun>, context: ActionContext): Promise<Outcome> =>
    settle(async () => {
      const task = await find(name);
      const { job, secrets } = context;
      const bound = await bindParameters(task, args, secrets?.values);
      const start = (argv: readonly string[]): Promise<Outcome> => {
        const { user, cwd } = task;
        return withTimeLimit(task, context, (signal) =>
          runProgram({ argv, user, cwd, env: bound.env, stdin: bound.stdin }, { job, signal, secrets }, host),
        );
      };
      if (context.dryRun) return bound.check === undefined ? wouldRun(task, bound.shown) : await start(bound.check);
      if (!task.exclusive) return await start(bound.argv);

      if (running.has(name)) {
        return { state: 'refused', code: 'busy', reason: `task ${name} is running, and only one of it may at a time` };
      }
      running.add(name);
      try {
        return await start(bound.argv);
      } finally {
        running.delete(name);
      }
    });
  return implement(taskRun, run, async ({ task, args = {} }, sealed) => openParameters(await find(task), args, sealed));
}

function wouldRun(task: Task, shown: readonly string[]): ActionOutcome<ProgramOutcome> {
  const as = task.user === undefined ? '' : ` as ${task.user}`;
  return {
    state: 'ok',
    reason: `would run${as}: ${shown.join(' ')}`,
    data: { exit: null, signal: null, stdout: '', stderr: '', truncated: null },
  };
}

/** The task's limit, or the default; the command's holds too: whichever comes first. */
async function withTimeLimit<T>(
  task: Task,
  context: ActionContext,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort('timeout'), task.timeoutMs ?? LIMITS.taskTimeoutMs);
  try {
    return await run(AbortSignal.any([context.signal, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}
