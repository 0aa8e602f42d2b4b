/** How far away nodes are: what `fleet ping` says in its last line. */
export interface RoundTripStatistics {
  readonly count: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface RoundTrips {
  add(ms: number): void;
  /** Null while nobody has answered. */
  statistics(): RoundTripStatistics | null;
}

export function createRoundTrips(): RoundTrips {
  const all: number[] = [];
  return {
    add(ms) {
      all.push(ms);
    },
    statistics() {
      const sorted = all.toSorted((a, b) => a - b);
      const first = sorted[0];
      if (first === undefined) return null;
      const at = (index: number): number => sorted[index] ?? first;
      const middle = (sorted.length - 1) / 2;
      return {
        count: sorted.length,
        minMs: first,
        medianMs: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
        /** Nearest rank: the smallest one that 99 % do not exceed. */
        p99Ms: at(Math.ceil(sorted.length * 0.99) - 1),
        maxMs: at(sorted.length - 1),
      };
    },
  };
}
