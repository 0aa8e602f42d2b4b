/** What `fleet job retry` tries again by itself. */
import type { FinalState } from '../../shared/states.ts';
import type { NodeResult } from '../report.ts';

/** Not what ended `ok`, what somebody cancelled, and what was refused: that would be refused again. */
export const NOT_DONE: readonly FinalState[] = ['failed', 'timeout', 'unreachable', 'lost', 'skipped', 'expired'];

export const isWorthRetrying = (nodes: readonly NodeResult[]): boolean =>
  nodes.some(({ state }) => NOT_DONE.includes(state));
