/** How tables are to look: compiled once from flags and terminal, handed to every table. */
import type { FinalState } from '../../shared/states.ts';

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  /** The colour of a node among others, by its place. */
  readonly node: (place: number) => (text: string) => string;
}

export interface Look {
  readonly paint: Paint;
  /** Width to fit a line into; null where nothing may be cut: pipes, files and `--verbose`. */
  readonly fit: number | null;
  /** Says more: the job's id, names in full. */
  readonly verbose: boolean;
  /** Nodes whose programs ended alike are shown together. */
  readonly groupByOutput: boolean;
  /** `facts --by-node`: a line per node instead of a distribution. */
  readonly byNode: boolean;
}

export function paintOfState(paint: Paint, state: FinalState): (text: string) => string {
  if (state === 'ok') return paint.good;
  return state === 'skipped' || state === 'cancelled' || state === 'expired' ? paint.warn : paint.bad;
}
