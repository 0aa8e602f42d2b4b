/** The names that somebody may have meant: for "did you mean". */
import { compareNatural } from './natural-order.ts';

/** At most `max` known names that are a few slips of the finger away, the nearest first. */
export function nearestNames(wanted: string, known: Iterable<string>, max = 3): string[] {
  const limit = wanted.length <= 2 ? 1 : wanted.length <= 5 ? 2 : 3;
  const near: { name: string; slips: number }[] = [];
  for (const name of known) {
    const slips = countSlips(wanted, name, limit);
    if (slips <= limit) near.push({ name, slips });
  }
  near.sort((a, b) => a.slips - b.slips || compareNatural(a.name, b.name));
  return near.slice(0, max).map(({ name }) => name);
}

/**
 * Edits between two names, with two neighbouring characters swapped as one (optimal string alignment); more than
 * `limit` of them aren't counted on, so that ten thousand names cost little.
 */
function countSlips(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min(above[j - 1]! + (same ? 0 : 1), above[j]! + 1, row[j - 1]! + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) slips = Math.min(slips, before[j - 2]! + 1);
      row.push(slips);
    }
    // Two rows decide the next: when neither has a way within the limit, none will come.
    if (Math.min(...row) > limit && Math.min(...above) > limit) return limit + 1;
    before = above;
    above = row;
  }
  return above[b.length]!;
}
