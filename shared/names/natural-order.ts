/** The order in which people expect names: `web9` before `web10`. */
const RUNS = /\d+|\D+/g;

/** For `Array.sort`; a total order, so that output is the same every time. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(RUNS) ?? [];
  const right = b.match(RUNS) ?? [];
  for (let at = 0; at < left.length && at < right.length; at++) {
    const difference = compareRuns(left[at]!, right[at]!);
    if (difference !== 0) return difference;
  }
  return left.length - right.length || compareText(a, b);
}

function compareRuns(a: string, b: string): number {
  if (!isDigits(a) || !isDigits(b)) return compareText(a, b);
  const left = a.replace(/^0+(?=\d)/, '');
  const right = b.replace(/^0+(?=\d)/, '');
  return left.length - right.length || compareText(left, right);
}

function isDigits(text: string): boolean {
  return /^\d/.test(text);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
