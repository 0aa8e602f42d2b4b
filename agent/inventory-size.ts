/**
 * Makes an inventory entry fit: an entry over the limits of the bus would be refused as a whole, and the node would be
 * out of every target. What is left out is said.
 */
import { encode } from '../shared/codec.ts';
import { ProtocolError } from '../shared/errors.ts';
import type { TaskSummary } from '../shared/wire/inventory.ts';
import type { InventoryContent } from './inventory-publisher.ts';

/** Descriptions go first, then tasks from the end of the list. */
export function fitContent(content: InventoryContent, mostBytes: number): InventoryContent {
  if (sizeOf(content) <= mostBytes) return content;
  const brief = withProblem({ ...content, tasks: content.tasks.map(withoutDescriptions) }, 'the descriptions of tasks');
  if (sizeOf(brief) <= mostBytes) return brief;
  const keeping = (count: number): InventoryContent =>
    withProblem(
      { ...brief, tasks: brief.tasks.slice(0, count), taskProblems: content.taskProblems },
      `the descriptions of tasks, and the last ${brief.tasks.length - count} of ${brief.tasks.length} tasks,`,
    );
  // The most that fits is between what does and what doesn't.
  let fits = 0;
  let tooMany = brief.tasks.length;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (sizeOf(keeping(middle)) <= mostBytes) fits = middle;
    else tooMany = middle;
  }
  return keeping(fits);
}

function withProblem(content: InventoryContent, what: string): InventoryContent {
  const reason = `${what} are left out of the inventory: there are more than fit into an entry`;
  return { ...content, taskProblems: [{ source: 'inventory', reason }, ...content.taskProblems] };
}

function withoutDescriptions({ description: _said, parameters, ...task }: TaskSummary): TaskSummary {
  const brief = Object.entries(parameters).map(([name, { description: _also, ...parameter }]) => [name, parameter]);
  return { ...task, parameters: Object.fromEntries(brief) as TaskSummary['parameters'] };
}

/** More than any limit where there are more values than a reader takes. */
function sizeOf(content: InventoryContent): number {
  try {
    return encode(content).length;
  } catch (error) {
    if (error instanceof ProtocolError) return Infinity;
    throw error;
  }
}
