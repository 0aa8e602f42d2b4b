/** The actions that this agent offers, by name. */
import type { RunnableAction } from './action.ts';
import { execAction } from './exec.ts';
import { factsGetAction } from './facts-get.ts';
import { inventoryAction, type InventoryActionDependencies } from './inventory.ts';
import { logsReadAction } from './logs-read.ts';
import { pingAction, type PingActionDependencies } from './ping.ts';
import { processListAction } from './process-list.ts';
import { processSignalAction } from './process-signal.ts';
import { taskListAction } from './task-list.ts';
import { taskRunAction } from './task-run.ts';
import type { KillDependencies } from '../process/kill.ts';
import type { Programs } from '../process/programs.ts';
import type { ExclusiveTasks } from '../tasks/exclusive-tasks.ts';

export type OfferDependencies = Omit<InventoryActionDependencies, 'actionNames'> &
  Pick<PingActionDependencies, 'epochs'> &
  Pick<KillDependencies, 'table' | 'users' | 'protection'> & {
    readonly programs: Programs;
    readonly exclusive: ExclusiveTasks;
    readonly logFolders: readonly string[];
  };

export function offerActions(dependencies: OfferDependencies): ReadonlyMap<string, RunnableAction> {
  const actions = new Map<string, RunnableAction>();
  const offered = [
    execAction(dependencies.programs),
    factsGetAction(dependencies),
    inventoryAction({ ...dependencies, actionNames: () => [...actions.keys()] }),
    logsReadAction(dependencies),
    pingAction(dependencies),
    processListAction(dependencies),
    processSignalAction(dependencies),
    taskListAction(dependencies),
    taskRunAction(dependencies),
  ];
  for (const action of offered) actions.set(action.definition.name, action);
  return actions;
}
