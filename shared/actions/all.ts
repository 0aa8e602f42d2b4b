/** Every action that this version knows, by name. */
import type { ActionDefinition } from '../action.ts';
import { exec } from './exec.ts';
import { factsGet } from './facts-get.ts';
import { inventory } from './inventory.ts';
import { logsRead } from './logs-read.ts';
import { ping } from './ping.ts';
import { processList } from './process-list.ts';
import { processSignal } from './process-signal.ts';
import { taskList } from './task-list.ts';
import { taskRun } from './task-run.ts';

export const ACTIONS: ReadonlyMap<string, ActionDefinition> = new Map<string, ActionDefinition>(
  [exec, factsGet, inventory, logsRead, ping, processList, processSignal, taskList, taskRun].map((action) => [
    action.name,
    action,
  ]),
);
