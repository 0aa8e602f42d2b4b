/**
 * One text for equal values, so that they can be counted: keys in order, the type kept (`8` is not `"8"`). Not for people,
 * and never signed.
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, inOrder) ?? 'null';
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
