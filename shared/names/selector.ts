/**
 * What `--node` and `--exclude` take: a name, a glob (`web*`), a folded set (`web[01-20]`, commas allowed), or a
 * regular expression (`/^db\d/`, `/re/i`).
 */
import { compileGlob, hasWildcard, matchGlob, type Glob } from '../where/glob.ts';
import { compilePattern, isTooLong, occursIn, PATTERN_TOO_LONG, type Pattern } from '../where/regex.ts';
import { TextSyntaxError } from '../where/syntax-error.ts';
import { isFoldedSet, unfoldNames } from './folded-set.ts';
import { failName, isNodeName } from './node-name.ts';

export type NameSelector = { readonly text: string } & (
  | { readonly kind: 'name' }
  | { readonly kind: 'set'; readonly names: ReadonlySet<string> }
  | { readonly kind: 'glob'; readonly glob: Glob }
  | { readonly kind: 'pattern'; readonly pattern: Pattern }
);

/** @throws TextSyntaxError `bad-selector` */
export function parseNameSelector(text: string): NameSelector {
  if (text.startsWith('/')) return { kind: 'pattern', text, pattern: parsePattern(text) };
  if (isFoldedSet(text)) return { kind: 'set', text, names: new Set(unfoldNames(text)) };
  if (hasWildcard(text)) return { kind: 'glob', text, glob: parseGlob(text) };
  if (!isNodeName(text)) failName(text, 'bad-selector');
  return { kind: 'name', text };
}

export function matchesName(selector: NameSelector, name: string): boolean {
  switch (selector.kind) {
    case 'name':
      return selector.text === name;
    case 'set':
      return selector.names.has(name);
    case 'glob':
      return matchGlob(selector.glob, name);
    case 'pattern':
      return occursIn(selector.pattern, name);
  }
}

/** The names that a selector stands for by itself; `undefined` where that depends on who is there. */
export function namesOf(selector: NameSelector): string[] | undefined {
  if (selector.kind === 'name') return [selector.text];
  return selector.kind === 'set' ? [...selector.names] : undefined;
}

function parseGlob(text: string): Glob {
  if (isTooLong(text)) fail(text, 0, `expected ${PATTERN_TOO_LONG}`);
  const stranger = Array.from(text).findIndex((character) => !/^[a-z0-9._*?-]$/.test(character));
  if (stranger >= 0) fail(text, stranger, 'expected a lower-case letter, a digit, ".", "-", "_", "*" or "?"');
  return compileGlob(text);
}

function parsePattern(text: string): Pattern {
  const end = text.lastIndexOf('/');
  const flags = text.slice(end + 1);
  if (end === 0) fail(text, Array.from(text).length, 'expected a closing "/"');
  if (flags !== '' && flags !== 'i') {
    fail(text, Array.from(text.slice(0, end + 1)).length, 'expected nothing but "i" after the closing "/"');
  }
  const pattern = compilePattern(text.slice(1, end), flags === 'i');
  return 'problem' in pattern ? fail(text, 1, `expected ${pattern.problem}`) : pattern;
}

function fail(text: string, at: number, expected: string): never {
  throw new TextSyntaxError('bad-selector', Array.from(text), at, expected);
}
