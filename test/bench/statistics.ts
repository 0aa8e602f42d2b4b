/** What many runs come to. The machine is shared with whatever else runs on it: medians, and the spread beside them. */

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly samples: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) throw new Error('nothing was measured');
  return { median: medianOfSorted(sorted), least, most, samples: sorted.length };
}

export function medianOf(values: readonly number[]): number {
  return summarize(values).median;
}

function medianOfSorted(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Takes turns, so that what disturbs one of them disturbs the others as well. */
export async function inTurns<Name extends string>(
  runs: number,
  cases: Readonly<Record<Name, () => Promise<number>>>,
  signal: AbortSignal,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(cases) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let run = 0; run < runs; run++)
    for (const name of names) {
      signal.throwIfAborted();
      values[name].push(await cases[name]());
    }
  return values;
}
