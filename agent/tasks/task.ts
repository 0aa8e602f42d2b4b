/** A task as the node runs it: a task file, read and checked. */
import type { TaskParameter, TaskSummary } from '../../shared/wire/inventory.ts';
import type { Template } from './template.ts';

export interface Task {
  readonly name: string;
  readonly description: string | undefined;
  readonly argv: readonly Template[];
  readonly check: readonly Template[] | undefined;
  readonly parameters: Readonly<Record<string, TaskParameter>>;
  readonly user: string | undefined;
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, Template>>;
  /** What it reads on its standard input. */
  readonly stdin: Template | undefined;
  readonly timeoutMs: number | undefined;
  readonly exclusive: boolean;
  readonly changes: boolean;
}

/** Something in a task file, or the folder of them, that was not accepted. */
export interface TaskProblem {
  /** The file, and its line where there is one: `/etc/fleet/tasks.d/migrate.yaml:7`. */
  readonly source: string;
  readonly reason: string;
}

/** What the controller is told: enough to check arguments before anything is sent. */
export function summarize(task: Task): TaskSummary {
  return {
    name: task.name,
    ...(task.description !== undefined && { description: task.description }),
    changes: task.changes,
    check: task.check !== undefined,
    ...(task.timeoutMs !== undefined && { timeoutMs: task.timeoutMs }),
    parameters: { ...task.parameters },
  };
}
