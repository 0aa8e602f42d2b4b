/** Cancelled by somebody else than who had sent it: that is said. */
import type { ActionOutcome } from '../actions/action.ts';
import type { RunningCommand } from './running-commands.ts';

/** Who is cancelled by somebody else is told by whom. */
export function byWhom(outcome: ActionOutcome, { cancelledBy }: RunningCommand, caller: string): ActionOutcome {
  if (outcome.state !== 'cancelled' || cancelledBy === undefined || cancelledBy === caller) return outcome;
  return { ...outcome, reason: `${outcome.reason ?? 'stopped'}: ${cancelledBy} cancelled it` };
}
