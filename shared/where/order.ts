/** Which of two readings comes first; nothing where comparing them makes no sense. */
import { readVersion, type Reading } from './values.ts';
import { compareVersions } from './versions.ts';

/** Negative, zero or positive; `undefined` for kinds that don't compare, and for NaN. */
export function compareReadings(a: Reading, b: Reading): number | undefined {
  if (a.kind === 'version' || b.kind === 'version') {
    const left = asVersion(a);
    const right = asVersion(b);
    return left && right ? compareVersions(left.value, right.value) : undefined;
  }
  if (a.kind !== b.kind && !isNumberWithMeasure(a, b) && !isNumberWithMeasure(b, a)) return undefined;
  return compareNumbers(a.value, b.value);
}

/** By value: a bigint of 8 is the number 8. `undefined` where one of them is NaN. */
export function compareNumbers(a: number | bigint, b: number | bigint): number | undefined {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number.isNaN(a) || Number.isNaN(b) ? undefined : 0;
}

function isNumberWithMeasure(a: Reading, b: Reading): boolean {
  return a.kind === 'number' && (b.kind === 'size' || b.kind === 'duration');
}

/** A plain number is a version when the other side is one. */
function asVersion(reading: Reading): Extract<Reading, { kind: 'version' }> | undefined {
  const version = reading.kind === 'number' ? readVersion(reading.text) : reading;
  return version?.kind === 'version' ? version : undefined;
}
