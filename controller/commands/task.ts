/** `fleet task`: which tasks the nodes define. */
import type { Command } from 'commander';
import { EXIT, UsageError } from '../../shared/errors.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import type { InventoryBody, TaskSummary } from '../../shared/wire/inventory.ts';
import type { App } from '../app.ts';
import type { TaskOffer, TaskReport } from '../report.ts';
import { addOfferOptions, readOffers, type OfferFlags } from './offers.ts';

export function registerTask(program: Command, app: App): void {
  const task = program.command('task').description('Which tasks there are, and what they take.');
  const list = task.command('list').description('Lists the tasks of the fleet.');
  addOfferOptions(list)
    .addHelpText('after', '\nExamples:\n  fleet task list\n  fleet task list --where role=db -o json')
    .action(() => showTasks(undefined, list.optsWithGlobals<OfferFlags>(), app));
  const show = task
    .command('show')
    .description('Describes a task and its parameters.')
    .argument('<TASK>', 'name of the task');
  addOfferOptions(show)
    .addHelpText('after', '\nExamples:\n  fleet task show migrate\n  fleet task show deploy -o yaml')
    .action((name: string) => showTasks(name, show.optsWithGlobals<OfferFlags>(), app));
}

function showTasks(name: string | undefined, flags: OfferFlags, app: App): Promise<void> {
  return readOffers(
    name === undefined ? 'task list' : 'task show',
    flags,
    app,
    ({ fleet, inventory, exit }): TaskReport => {
      const all = offersOf(inventory);
      const tasks = name === undefined ? all : all.filter(({ task }) => task.name === name);
      if (name !== undefined && tasks.length === 0 && exit === EXIT.ok) {
        const [nearest] = nearestNames(name, new Set(all.map(({ task }) => task.name)), 1);
        throw new UsageError(`there is no task ${name} on any of these nodes`, {
          code: 'no-such-task',
          hint: nearest === undefined ? '`fleet task list` lists the tasks.' : `Did you mean ${nearest}?`,
        });
      }
      return {
        version: 1,
        command: name === undefined ? 'task list' : 'task show',
        fleet,
        exit,
        tasks,
        problems: inventory.flatMap(({ node, taskProblems = [] }) =>
          taskProblems.map((problem) => ({ node, ...problem })),
        ),
      };
    },
  );
}

/** One for each definition: a name that nodes define differently is there more than once. */
function offersOf(inventory: readonly InventoryBody[]): TaskOffer[] {
  const offers = new Map<string, { task: TaskSummary; nodes: string[] }>();
  for (const { node, tasks } of inventory)
    for (const task of tasks) {
      const key = JSON.stringify(task);
      const offer = offers.get(key) ?? { task, nodes: [] };
      offer.nodes.push(node);
      offers.set(key, offer);
    }
  return [...offers.values()].sort((a, b) => (a.task.name < b.task.name ? -1 : 1));
}
