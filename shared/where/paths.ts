/**
 * Fact paths: read, written, and compared as patterns. What they find in a document is in find.ts.
 */
import { compileGlob, matchGlob, type Glob } from './glob.ts';
import { isWordCharacter, keywordOf, Scanner } from './lex.ts';
import { isTooLong, PATTERN_TOO_LONG } from './regex.ts';

export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  /** `*` is any run of characters of one key or item number. */
  | { readonly kind: 'glob'; readonly glob: Glob };

export interface PathPattern {
  readonly segments: readonly Segment[];
  /** The canonical text: quotes where a segment needs them, and nowhere else. */
  readonly text: string;
}

/**
 * Reads a path that stands alone, as in `fleet facts PATH`.
 * @throws TextSyntaxError `bad-path`
 */
export function parsePath(text: string): PathPattern {
  const scanner = new Scanner(text, 'bad-path');
  const path = readPath(scanner, 'a path, such as os.family');
  if (!scanner.atEnd()) scanner.fail('expected a dot or the end of the path');
  return path;
}

/** Reads the path that comes next. */
export function readPath(scanner: Scanner, expected: string): PathPattern {
  if (scanner.peekWord() === '' && !scanner.atQuote()) scanner.fail(`expected ${expected}`);
  const segments: Segment[] = [];
  do segments.push(readSegment(scanner));
  while (scanner.take('.'));
  return { segments, text: formatSegments(segments) };
}

function readSegment(scanner: Scanner): Segment {
  const start = scanner.position;
  if (scanner.atQuote()) {
    const text = scanner.takeQuoted();
    if (text === '') scanner.fail('expected a name between the quotes', start);
    const next = scanner.peek();
    if (next !== '' && next !== '.' && (isWordCharacter(next) || scanner.atQuote())) {
      scanner.fail('expected a dot after a quoted segment');
    }
    return { kind: 'literal', text };
  }
  while (!scanner.atEnd() && scanner.peek() !== '.' && isWordCharacter(scanner.peek())) scanner.position++;
  const source = scanner.text.slice(start, scanner.position).join('');
  if (source === '') scanner.fail('expected a name on each side of a dot');
  if (scanner.atQuote()) scanner.fail('expected quotes around the whole segment');
  if (!source.includes('*')) return { kind: 'literal', text: source };
  if (isTooLong(source)) scanner.fail(`expected ${PATTERN_TOO_LONG}`, start);
  return { kind: 'glob', glob: compileGlob(source, '*') };
}

/** The text of a path through these keys and item numbers. */
export function formatPath(keys: readonly string[]): string {
  return literalPath(keys).text;
}

/** The path through these keys and item numbers, whatever they are. */
export function literalPath(keys: readonly string[]): PathPattern {
  const segments = keys.map((text) => ({ kind: 'literal', text }) as const);
  return { segments, text: formatSegments(segments) };
}

function formatSegments(segments: readonly Segment[]): string {
  const texts = segments.map((segment) => (segment.kind === 'glob' ? segment.glob.source : quoteSegment(segment.text)));
  return texts.length === 1 && keywordOf(texts[0]!) ? `"${texts[0]}"` : texts.join('.');
}

function quoteSegment(text: string): string {
  const plain = text !== '' && Array.from(text).every((c) => c !== '.' && c !== '*' && isWordCharacter(c));
  return plain ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * Whether two patterns may speak of the same fact, of one within the other, or of the other's surroundings. For facts
 * that can't be decided from what is stored: wrongly yes costs a question to the node, wrongly no a wrong answer.
 */
export function mayOverlap(a: PathPattern, b: PathPattern): boolean {
  const width = b.segments.length;
  // For each number of b's segments gone through: whether that is possible after the first i of a's.
  let row: boolean[] = [true];
  for (const segment of a.segments) {
    const next: boolean[] = [];
    for (let j = 0; j < width; j++) {
      if (!row[j]) continue;
      // Either may name list items that the other goes through by itself.
      if (isItemPattern(b.segments[j]!)) row[j + 1] = true;
      if (isItemPattern(segment)) next[j] = true;
      if (segmentsMeet(segment, b.segments[j]!)) next[j + 1] = true;
    }
    if (row[width]) return true;
    row = next;
  }
  return row.some((possible) => possible);
}

function segmentsMeet(a: Segment, b: Segment): boolean {
  if (a.kind === 'literal') return b.kind === 'literal' ? a.text === b.text : matchGlob(b.glob, a.text);
  return b.kind === 'glob' || matchGlob(a.glob, b.text);
}

/** Whether a segment may select list items by their number; other segments go into every item. */
export function isItemPattern(segment: Segment): boolean {
  return segment.kind === 'literal' ? /^(0|[1-9]\d*)$/.test(segment.text) : /^[\d*]+$/.test(segment.glob.source);
}
