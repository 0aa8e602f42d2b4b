/** `--explain`: how a command travels, and whom it wakes, in words. */
import { formatVia } from '../../shared/subjects.ts';
import type { Plan } from '../plan.ts';
import type { Resolved } from '../resolve.ts';
import { nodeCount } from './node-names.ts';

export function wayText(
  { broadcast, commands, where }: Pick<Plan, 'broadcast' | 'commands' | 'where'>,
  { expected, fleetSize, undecided }: Pick<Resolved, 'expected' | 'fleetSize' | 'undecided'>,
): string {
  const matching = where === undefined ? '' : ` match ${where}`;
  const asked = undecided.size === 0 ? '' : `, ${undecided.size} of them have to be asked whether they do`;
  return `${expected.length} of ${nodeCount(fleetSize)}${matching}${asked}; sent ${way(broadcast, commands.length)}`;
}

function way(broadcast: Plan['broadcast'], signed: number): string {
  if (broadcast === undefined) return signed === 0 ? 'to one after the other, each in its turn' : `to each of them, signed ${signed === 1 ? 'once' : `${signed} times`}`; // prettier-ignore
  const { via, wakes } = broadcast;
  if (via.kind === 'all') return `once, to the whole fleet: wakes ${nodeCount(wakes)}`;
  return `once, by ${formatVia(via).replace(/^fact:/, '')}: wakes ${nodeCount(wakes)}`;
}
