/** One line of the benchmark: what came out, what it's compared with, and what it should be. */
import type { Summary } from './statistics.ts';

export interface Measurement {
  readonly what: string;
  readonly value: Summary;
  readonly unit: 'ms' | 'µs' | 'MiB' | '%';
  /** The same unit, measured in the same run. */
  readonly baseline?: { readonly what: string; readonly value: Summary };
  /** Of the medians. */
  readonly ratio?: number;
  /** The most that `ratio`, or the median, may be. Absent for what is only told. */
  readonly goal?: { readonly of: 'ratio' | 'median'; readonly most: number };
}

/** Undefined without a goal. */
export function isMet({ goal, ratio, value }: Measurement): boolean | undefined {
  if (goal === undefined) return undefined;
  return (goal.of === 'ratio' ? (ratio ?? Infinity) : value.median) <= goal.most;
}

/** With the ratio to its baseline. */
export function compared(
  measurement: Omit<Measurement, 'ratio' | 'baseline'> & { readonly baseline: NonNullable<Measurement['baseline']> },
): Measurement {
  return { ...measurement, ratio: measurement.value.median / measurement.baseline.value.median };
}
