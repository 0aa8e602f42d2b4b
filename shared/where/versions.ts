/**
 * Versions of any make, put in order: runs of digits as numbers, runs of letters as text. A total order, which the
 * rules for where one side ends only give when zeros in front of letters, or of the end, don't count.
 */
const PRE_RELEASE = /^(alpha|beta|pre|rc|dev|snapshot)/i;
const SHAPE = /^v?\d[\w.+~^:-]*$/i;

/** Runs of a version, leading zeros dropped from each number; in the form that `compareVersions` compares. */
export type Version = readonly string[];

/** The version that a text is: it starts with a digit, or `v` and a digit, and has no white space in it. */
export function parseVersion(text: string): Version | undefined {
  if (!SHAPE.test(text)) return undefined;
  const runs = text.replace(/^v/i, '').match(/\d+|[a-z]+/gi) ?? [];
  const kept: string[] = [];
  for (let at = runs.length - 1; at >= 0; at--) {
    const run = isNumber(runs[at]!) ? runs[at]!.replace(/^0+(?=\d)/, '') : runs[at]!;
    const next = kept.at(-1);
    if (run === '0' && (next === undefined || !isNumber(next))) continue;
    kept.push(run);
  }
  return kept.reverse();
}

/** Negative, zero or positive, as for `Array.sort`. */
export function compareVersions(a: Version, b: Version): number {
  for (let at = 0; at < a.length || at < b.length; at++) {
    const left = a[at];
    const right = b[at];
    const difference = rank(left) - rank(right) || compareRuns(left ?? '', right ?? '');
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A pre-release word is below the end of a version, which is below any other word, which is below a number. */
function rank(run: string | undefined): number {
  if (run === undefined) return 1;
  if (isNumber(run)) return 3;
  return PRE_RELEASE.test(run) ? 0 : 2;
}

function compareRuns(left: string, right: string): number {
  // Numbers have no leading zeros here: the longer is the larger, however many digits it has.
  if (isNumber(left) && left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

function isNumber(run: string): boolean {
  return run.charCodeAt(0) <= 0x39;
}
