/** Runs a task: binds its parameters, keeps its time limit and its exclusiveness, and hands it to who runs programs. */
import type { InputOf } from '../../shared/action.ts';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import { taskRun } from '../../shared/actions/task-run.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { settle } from '../process/program-outcome.ts';
import type { ProgramPlace, Programs } from '../process/programs.ts';
import { bindParameters, openParameters } from '../tasks/bind-parameters.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { ExclusiveTasks } from '../tasks/exclusive-tasks.ts';
import type { Task } from '../tasks/task.ts';
import { implement, type ActionContext, type ActionOutcome, type RunnableAction } from './action.ts';

type Outcome = ActionOutcome<ProgramOutcome>;

export interface TaskRunDependencies {
  readonly tasks: TaskStore;
  readonly programs: Programs;
  readonly exclusive: ExclusiveTasks;
}

export function taskRunAction({ exclusive, programs, tasks }: TaskRunDependencies): RunnableAction {
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
      const bound = await bindParameters(task, args, context.secrets?.values);
      const start = (argv: readonly string[]): Promise<Outcome> => {
        const { user, cwd } = task;
        return withTimeLimit(task, context, (limits) =>
          programs.run({ argv, user, cwd, env: bound.env, stdin: bound.stdin }, { ...placeOf(context), ...limits }),
        );
      };
      if (context.dryRun) return bound.check === undefined ? wouldRun(task, bound.shown) : await start(bound.check);
      if (!task.exclusive) return await start(bound.argv);

      const over = exclusive.begin(name);
      if (over === undefined)
        return { state: 'refused', code: 'busy', reason: `task ${name} is running, and only one of it may at a time` };
      try {
        return await start(bound.argv);
      } finally {
        over();
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

const placeOf = ({ job, output, program, secrets }: ActionContext): Omit<ProgramPlace, 'signal'> => ({
  job,
  output,
  program,
  secrets,
});

/** The task's limit, or the default; the command's holds too: whichever comes first. */
async function withTimeLimit<T>(
  task: Task,
  context: ActionContext,
  run: (limits: Pick<ProgramPlace, 'signal' | 'timeoutMs'>) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const own = task.timeoutMs ?? LIMITS.taskTimeoutMs;
  const timer = setTimeout(() => limit.abort('timeout'), own);
  const timeoutMs = Math.min(own, context.timeoutMs ?? own);
  try {
    return await run({ signal: AbortSignal.any([context.signal, limit.signal]), timeoutMs });
  } finally {
    clearTimeout(timer);
  }
}
