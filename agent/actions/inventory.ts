/** Everything that a node says about itself. */
import { inventory } from '../../shared/actions/inventory.ts';
import type { Clock } from '../../shared/clock.ts';
import { PROTOCOL_VERSION, VERSION } from '../../shared/version.ts';
import type { Counters } from '../counters.ts';
import type { FactStore } from '../facts/fact-store.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import { implement, type RunnableAction } from './action.ts';

export interface InventoryActionDependencies {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly facts: FactStore;
  readonly tasks: TaskStore;
  /** Names of the actions that are offered; known only once they all are there. */
  readonly actionNames: () => string[];
}

export function inventoryAction(dependencies: InventoryActionDependencies): RunnableAction {
  const { clock, counters, facts, tasks, actionNames } = dependencies;
  const startedAt = clock.now();
  return implement(inventory, async () => {
    const document = await facts.live();
    return {
      state: 'ok',
      data: {
        agent: { version: VERSION, pid: process.pid, startedAt, protocol: [PROTOCOL_VERSION] },
        facts: document,
        collectors: facts.snapshot().collectors,
        actions: actionNames(),
        tasks: await tasks.list(),
        problems: [...facts.problems(), ...(await tasks.problems())],
        counters: counters.toObject(),
      },
    };
  });
}
