/** Times as a doctor says them: short, and no more exact than matters. */

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `3 d`, `14 h`, `2 min`, `0.4 s` */
export function spanText(ms: number): string {
  const size = Math.abs(ms);
  const [unitMs, unit] = UNITS.find(([length]) => size >= 2 * length) ?? [1_000, 's'];
  const count = size / unitMs;
  return `${count < 10 && unit === 's' ? count.toFixed(1) : Math.round(count)} ${unit}`;
}

/** `2027-11-21` */
export const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
