/** One text for equal facts, whatever the order of their keys: what "changed" is decided by. */
import { isFactMap, type FactValue } from './fact-value.ts';

export function canonicalFacts(value: FactValue): string {
  if (Array.isArray(value)) return `[${value.map((item: FactValue) => canonicalFacts(item)).join(',')}]`;
  if (!isFactMap(value)) return JSON.stringify(value);
  const pairs = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${pairs.map(([key, item]) => `${JSON.stringify(key)}:${canonicalFacts(item)}`).join(',')}}`;
}
