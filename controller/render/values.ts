/** Fact values as people read them: on one line for tables, as a tree for whole documents. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import { isRecord } from '../aggregate/read-data.ts';
import { jsonText } from './json.ts';
import { visibleLine } from './visible.ts';

/** Without quotes this would be taken for a number, a boolean, nothing, a list or a map. */
const READS_AS_ANOTHER_TYPE = /^(|true|false|null|[[{].*|[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)$/i;

/** Text as it is, the rest as JSON; a fact that isn't there is `(none)`. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '(none)';
  if (typeof value === 'string') return value === '' ? '""' : visibleLine(value);
  return jsonText(value);
}

/** A document in the manner of YAML, keys in natural order. Text that looks like another type is in quotes. */
export function treeLines(value: unknown, indent = ''): string[] {
  if (isRecord(value)) {
    return Object.keys(value)
      .toSorted(compareNatural)
      .flatMap((key) => branch(`${indent}${visibleLine(key)}:`, value[key], indent));
  }
  if (Array.isArray(value)) return value.flatMap((item) => listItem(item, indent));
  return [`${indent}${leafText(value)}`];
}

function branch(lead: string, value: unknown, indent: string): string[] {
  return isLeaf(value) ? [`${lead} ${leafText(value)}`] : [lead, ...treeLines(value, `${indent}  `)];
}

/** The first line of the item stands beside its dash. */
function listItem(item: unknown, indent: string): string[] {
  const [first = '', ...rest] = treeLines(item, `${indent}  `);
  if (isLeaf(item)) return [`${indent}- ${leafText(item)}`];
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

function isLeaf(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return !isRecord(value) || Object.keys(value).length === 0;
}

function leafText(value: unknown): string {
  if (typeof value !== 'string') return jsonText(value ?? null);
  return READS_AS_ANOTHER_TYPE.test(value) || value.trim() !== value ? jsonText(value) : visibleLine(value);
}
