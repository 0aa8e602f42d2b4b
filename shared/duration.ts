/** Durations as people write them in options: a number and its unit. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const LONGEST_MS = 365 * 86_400_000;

/** What errors say that they expected. */
export const DURATION_EXPECTED = 'a duration with its unit, such as 500ms, 30s or 10m';

/** Milliseconds, from one to a year's; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
  const ms = match === null ? NaN : Number(match[1]) * (UNITS[match[2] ?? ''] ?? NaN);
  return ms >= 1 && ms <= LONGEST_MS ? Math.round(ms) : undefined;
}
