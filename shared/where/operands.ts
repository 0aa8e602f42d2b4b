/** What stands on the right of an operator: values, lists of them, networks and patterns. */
import type { EqualityValue, Member, OrderValue } from './expression.ts';
import { compileGlob, hasWildcard } from './glob.ts';
import { keywordOf, type Scanner } from './lex.ts';
import { parseNetwork } from './networks.ts';
import { compilePattern, isTooLong, PATTERN_TOO_LONG, type Pattern } from './regex.ts';
import { parseNumber, readText } from './values.ts';

/** A value as it was written. */
interface Written {
  readonly text: string;
  readonly quoted: boolean;
}

/** `after` is what stands in front of the value, for the message. */
export function readEqualityValue(scanner: Scanner, after: string): EqualityValue {
  const { start, written } = readWritten(scanner, after);
  return equalityValue(scanner, start, written);
}

export function readOrderValue(scanner: Scanner, after: string): OrderValue {
  const { text } = readWritten(scanner, after).written;
  return { text, reading: readText(text) };
}

/** The list after `in`, from its parenthesis on: never empty, without a comma too many. */
export function readMembers(scanner: Scanner): Member[] {
  const members: Member[] = [];
  let after = '(';
  while (scanner.take(after)) {
    members.push(readMember(scanner, after));
    scanner.skipSpace();
    after = ',';
  }
  if (!scanner.take(')')) scanner.fail('expected "," or ")"');
  return members;
}

/** The network that stands alone after `in`. */
export function readNetwork(scanner: Scanner): Member {
  const expected = 'a list such as (a, b) or a network such as 10.0.0.0/8 after "in"';
  const start = scanner.position;
  const network = scanner.atQuote() ? undefined : networkOrFail(scanner, start, scanner.takeWord());
  if (network === undefined) scanner.fail(`expected ${expected}`, start);
  return network;
}

/** `/re/`, `/re/i`, quoted, or bare. Backslashes belong to the pattern. */
export function readPattern(scanner: Scanner, after: string): Pattern {
  scanner.skipSpace();
  const start = scanner.position;
  let source: string;
  let ignoreCase = false;
  if (scanner.peek() === '/') {
    source = scanner.takeDelimited('a closing "/"').join('');
    const flagsAt = scanner.position;
    const flags = scanner.takeWord();
    if (flags !== '' && flags !== 'i') scanner.fail('expected nothing but "i" after the closing "/"', flagsAt);
    ignoreCase = flags === 'i';
  } else if (scanner.atQuote()) source = scanner.takeDelimited(`a closing ${scanner.peek()}`).join('');
  else source = readWord(scanner, `a pattern after "${after}"`);
  const pattern = compilePattern(source, ignoreCase);
  return 'problem' in pattern ? scanner.fail(`expected ${pattern.problem}`, start) : pattern;
}

function readMember(scanner: Scanner, after: string): Member {
  const { start, written } = readWritten(scanner, after);
  const network = written.quoted ? undefined : networkOrFail(scanner, start, written.text);
  return network ?? equalityValue(scanner, start, written);
}

function networkOrFail(scanner: Scanner, start: number, text: string): Member | undefined {
  const network = parseNetwork(text);
  if (network === undefined) return undefined;
  if ('problem' in network) scanner.fail(`expected ${network.problem}`, start);
  return { kind: 'network', network };
}

function equalityValue(scanner: Scanner, start: number, { text, quoted }: Written): EqualityValue {
  if (quoted) return { kind: 'text', text };
  if (hasWildcard(text)) {
    if (isTooLong(text)) scanner.fail(`expected ${PATTERN_TOO_LONG}`, start);
    return { kind: 'glob', glob: compileGlob(text) };
  }
  const number = parseNumber(text);
  return number === undefined ? { kind: 'text', text } : { kind: 'text', text, number };
}

function readWritten(scanner: Scanner, after: string): { start: number; written: Written } {
  scanner.skipSpace();
  const start = scanner.position;
  if (scanner.atQuote()) return { start, written: { text: scanner.takeQuoted(), quoted: true } };
  return { start, written: { text: readWord(scanner, `a value after "${after}"`), quoted: false } };
}

function readWord(scanner: Scanner, expected: string): string {
  const start = scanner.position;
  const word = scanner.takeWord();
  if (word === '') scanner.fail(`expected ${expected}`, start);
  if (keywordOf(word)) scanner.fail(`expected ${expected}; "${word}" is a keyword and needs quotes here`, start);
  return word;
}
