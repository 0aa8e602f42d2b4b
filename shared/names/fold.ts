/**
 * Names into the shortest text that people read at a glance: `web[01-40],db1`. Names that differ in one number are put
 * together, number by number from the last; what comes out stands for exactly the names that went in.
 */
import { FOLDED_DIGITS } from './folded-set.ts';
import { compareNatural } from './natural-order.ts';

/** A name, cut into runs of digits (every second, from index 1) and what stands between; folded runs have brackets. */
type Pieces = readonly string[];

/** In natural order, without duplicates. */
export function foldNames(names: readonly string[]): string {
  let folded: Pieces[] = [...new Set(names)].sort(compareNatural).map((name) => name.split(/(\d+)/));
  const longest = folded.reduce((length, pieces) => Math.max(length, pieces.length), 0);
  for (let back = 2; back <= longest; back += 2) folded = foldRun(folded, back);
  return folded.map((pieces) => pieces.join('')).join(',');
}

/** Puts together what is the same but for the run of digits that is `back` pieces from the end. */
function foldRun(names: readonly Pieces[], back: number): Pieces[] {
  const groups = new Map<string, Pieces[]>();
  for (const pieces of names) {
    const at = pieces.length - back;
    const isFoldable = at > 0 && pieces[at]!.length <= FOLDED_DIGITS;
    const key = isFoldable ? pieces.with(at, '#').join('') : pieces.join('');
    const group = groups.get(key);
    if (group) group.push(pieces);
    else groups.set(key, [pieces]);
  }
  return [...groups.values()].map((group) => {
    const first = group[0]!;
    if (group.length === 1) return first;
    const at = first.length - back;
    return first.with(at, `[${foldNumbers(group.map((pieces) => pieces[at]!))}]`);
  });
}

/** `01,02,03,10` into `01-03,10`. The numbers are distinct texts, in natural order. */
function foldNumbers(texts: readonly string[]): string {
  const widths = new Set(texts.filter((text) => text.length > 1 && text.startsWith('0')).map((text) => text.length));
  const families = new Map<number, string[]>();
  for (const text of texts) {
    // "10" goes on from "09" where there is padding to two digits, and from "9" where there isn't.
    const width = widths.has(text.length) ? text.length : 0;
    const family = families.get(width);
    if (family) family.push(text);
    else families.set(width, [text]);
  }
  return [...families.values()].flatMap(foldFamily).join(',');
}

function foldFamily(texts: readonly string[]): string[] {
  const ranges: string[] = [];
  for (let at = 0; at < texts.length;) {
    const start = at;
    do at++;
    while (at < texts.length && Number(texts[at]) === Number(texts[at - 1]) + 1);
    ranges.push(at - start > 1 ? `${texts[start]}-${texts[at - 1]}` : texts[start]!);
  }
  return ranges;
}
