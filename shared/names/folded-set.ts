/**
 * Folded sets of names: `web[01-20].example.org`, `db[1-3,7]`, `rack[1-4]-node[01-16]`, several with commas between.
 * This is their one reader; fold.ts writes them.
 */
import { LIMITS } from '../limits.ts';
import { TextSyntaxError } from '../where/syntax-error.ts';
import { failName, isNodeName } from './node-name.ts';

/** Digits of a number in brackets: all of them fit a JavaScript number exactly. */
export const FOLDED_DIGITS = 15;

/** Whether a text is written as a set, rather than as one name. */
export function isFoldedSet(text: string): boolean {
  return /[[\],]/.test(text);
}

/**
 * The names that a set stands for, in its own order, each once; of the empty text none.
 * @throws TextSyntaxError `bad-selector`
 */
export function unfoldNames(text: string): string[] {
  if (text === '') return [];
  const names = new Set<string>();
  const reader: Reader = { characters: Array.from(text), position: 0 };
  // With those that were said before: they take as long.
  let made = 0;
  do {
    const start = reader.position;
    const part = readOne(reader, LIMITS.foldedSetNames - made);
    made += part.length;
    for (const name of part) {
      if (!isNodeName(name)) failWithin(reader, start, name);
      names.add(name);
    }
  } while (take(reader, ','));
  return [...names];
}

interface Reader {
  readonly characters: readonly string[];
  position: number;
}

/** One name, or one with brackets, up to the next comma outside brackets. */
function readOne(reader: Reader, room: number): string[] {
  let names = [''];
  while (reader.position < reader.characters.length && peek(reader) !== ',') {
    const at = reader.position;
    const next = take(reader, '[') ? readBracket(reader, room) : [readPlain(reader)];
    if (names.length * next.length > room) fail(reader, at, TOO_MANY);
    names = names.flatMap((name) => next.map((part) => name + part));
  }
  return names;
}

const TOO_MANY = `expected a set of at most ${LIMITS.foldedSetNames} names`;

function readPlain(reader: Reader): string {
  const start = reader.position;
  while (reader.position < reader.characters.length && !/[[,]/.test(peek(reader))) {
    if (peek(reader) === ']') fail(reader, reader.position, 'expected "[" before "]"');
    if (/[*?]/.test(peek(reader))) fail(reader, reader.position, 'expected no wildcard in a set of names');
    reader.position++;
  }
  return reader.characters.slice(start, reader.position).join('');
}

/** What stands between brackets, the closing one included. */
function readBracket(reader: Reader, room: number): string[] {
  const numbers: string[] = [];
  do {
    const at = reader.position;
    const first = readDigits(reader);
    const last = take(reader, '-') ? readDigits(reader) : first;
    const count = Number(last) - Number(first) + 1;
    if (count < 1) fail(reader, at, 'expected the smaller number first');
    if (numbers.length + count > room) fail(reader, at, TOO_MANY);
    const width = first.startsWith('0') ? first.length : 0;
    for (let offset = 0; offset < count; offset++) {
      numbers.push(String(Number(first) + offset).padStart(width, '0'));
    }
  } while (take(reader, ','));
  if (!take(reader, ']')) fail(reader, reader.position, 'expected "-", "," or "]"');
  return numbers;
}

function readDigits(reader: Reader): string {
  const start = reader.position;
  while (/^\d$/.test(peek(reader))) reader.position++;
  const digits = reader.characters.slice(start, reader.position).join('');
  if (digits === '') fail(reader, start, 'expected a number, as in web[01-20]');
  if (digits.length > FOLDED_DIGITS) fail(reader, start, `expected a number of at most ${FOLDED_DIGITS} digits`);
  return digits;
}

function peek(reader: Reader): string {
  return reader.characters[reader.position] ?? '';
}

function take(reader: Reader, character: string): boolean {
  if (peek(reader) !== character) return false;
  reader.position++;
  return true;
}

function fail(reader: Reader, at: number, expected: string): never {
  throw new TextSyntaxError('bad-selector', reader.characters, at, expected);
}

/** A name that came out of the set is none. Where the set is the name itself, the place in it can be told. */
function failWithin(reader: Reader, start: number, name: string): never {
  const written = reader.characters.slice(start, reader.position).join('');
  try {
    failName(name, 'bad-selector');
  } catch (error) {
    if (!(error instanceof TextSyntaxError)) throw error;
    const at = written === name ? start + error.column - 1 : start;
    fail(reader, at, written === name ? error.expected : `${error.expected}, in "${shorten(name)}" of this set`);
  }
}

function shorten(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}…` : name;
}
