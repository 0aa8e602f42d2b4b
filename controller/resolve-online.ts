/** `--online`: the expected set without the nodes that don't answer now. Each is asked once, before anything is sent. */
import type { InventoryBody } from '../shared/wire/inventory.ts';
import type { AskingOptions, Fleet } from './fleet.ts';
import { leaveOut, type Resolved, type TargetSpec } from './resolve.ts';

export interface ResolvedOnline extends Resolved {
  /** Who is meant and away, in order of name. */
  readonly away: readonly string[];
}

/** @throws UsageError `unknown-node`; InterruptedError TransportError `bus-lost` */
export async function resolveOnline(
  fleet: Pick<Fleet, 'resolve' | 'findAway'>,
  target: TargetSpec,
  inventory: ReadonlyMap<string, InventoryBody> | undefined,
  asking: AskingOptions,
): Promise<ResolvedOnline> {
  const all = await fleet.resolve({ ...target, limit: undefined }, inventory);
  const away = await fleet.findAway(all.expected, { ...asking, resolved: all });
  return { ...leaveOut(all, away, target), away: [...away] };
}
