/**
 * Globs: `*` is any text, `?` one code point, everything else itself. Matching keeps one place to go back to, the last
 * star, so its steps are bounded by pattern × text and never explode.
 */
const STAR = -1;
const ANY = -2;

export interface Glob {
  readonly source: string;
  /** Code points, with negative numbers for the wildcards. */
  readonly parts: readonly number[];
}

/** What matching needs of a text; any string has it. */
export interface CodePoints {
  readonly length: number;
  codePointAt(index: number): number | undefined;
}

export function hasWildcard(text: string): boolean {
  return text.includes('*') || text.includes('?');
}

/** @param wildcards which characters are wildcards: in fact paths `*` alone is. @default '*?' */
export function compileGlob(source: string, wildcards: '*?' | '*' = '*?'): Glob {
  const parts: number[] = [];
  for (const character of source) {
    if (character === '*') {
      if (parts.at(-1) !== STAR) parts.push(STAR);
    } else if (character === '?' && wildcards === '*?') parts.push(ANY);
    else parts.push(character.codePointAt(0)!);
  }
  return { source, parts };
}

/** Whether the whole text fits. */
export function matchGlob(glob: Glob, text: CodePoints): boolean {
  const { parts } = glob;
  if (parts.length === 1 && parts[0] === STAR) return true;
  let part = 0;
  let index = 0;
  let lastStar = -1;
  let resume = 0;
  while (index < text.length) {
    const point = text.codePointAt(index)!;
    const wanted = parts[part];
    if (wanted === STAR) {
      lastStar = part++;
      resume = index;
    } else if (wanted === ANY || wanted === point) {
      part++;
      index += width(point);
    } else if (lastStar >= 0) {
      // The last star takes one more; earlier ones never have to, since they took the least that worked.
      resume += width(text.codePointAt(resume)!);
      index = resume;
      part = lastStar + 1;
    } else return false;
  }
  while (parts[part] === STAR) part++;
  return part === parts.length;
}

function width(point: number): number {
  return point > 0xffff ? 2 : 1;
}
