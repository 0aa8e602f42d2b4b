/** The node's tasks, and the task files that it didn't accept. */
import { taskList } from '../../shared/actions/task-list.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import { implement, type RunnableAction } from './action.ts';

export function taskListAction({ tasks }: { tasks: TaskStore }): RunnableAction {
  return implement(taskList, async () => ({
    state: 'ok',
    data: { tasks: await tasks.list(), problems: [...(await tasks.problems())] },
  }));
}
