/**
 * Characters into words, quoted texts and patterns. What a character means depends on where it stands (a `(` in a
 * pattern is no parenthesis), so the parser asks for what it expects, and nothing is cut into tokens beforehand.
 */
import { TextSyntaxError, type SyntaxErrorCode } from './syntax-error.ts';

const SPECIAL = new Set(['(', ')', ',', '"', "'", '=', '<', '>', '!', '~', '&', '|']);
const WHITE_SPACE = /\s/u;

/** Whether an unquoted word may hold this character. */
export function isWordCharacter(character: string): boolean {
  return !SPECIAL.has(character) && !WHITE_SPACE.test(character);
}

export type Keyword = 'and' | 'or' | 'not' | 'in';
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'AND', 'OR', 'NOT', 'IN']);

/** The keyword that a word is, in lower case; `And` is none. */
export function keywordOf(word: string): Keyword | undefined {
  return KEYWORDS.has(word) ? (word.toLowerCase() as Keyword) : undefined;
}

export class Scanner {
  /** Code points, so that positions are what people count. */
  readonly text: readonly string[];
  /** The next code point to read, 0-based. */
  position = 0;
  readonly #code: SyntaxErrorCode;

  constructor(text: string, code: SyntaxErrorCode) {
    this.text = Array.from(text);
    this.#code = code;
  }

  fail(expected: string, at: number = this.position): never {
    throw new TextSyntaxError(this.#code, this.text, at, expected);
  }

  skipSpace(): void {
    while (this.position < this.text.length && WHITE_SPACE.test(this.text[this.position]!)) this.position++;
  }

  atEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** The next character without reading it; the empty string at the end. */
  peek(offset = 0): string {
    return this.text[this.position + offset] ?? '';
  }

  /** Reads exactly these characters, if they come next. */
  take(characters: string): boolean {
    for (let i = 0; i < characters.length; i++) if (this.peek(i) !== characters[i]) return false;
    this.position += characters.length;
    return true;
  }

  /** The unquoted word that comes next, not read yet; empty where none does. */
  peekWord(): string {
    let end = this.position;
    while (end < this.text.length && isWordCharacter(this.text[end]!)) end++;
    return this.text.slice(this.position, end).join('');
  }

  takeWord(): string {
    const start = this.position;
    while (!this.atEnd() && isWordCharacter(this.peek())) this.position++;
    return this.text.slice(start, this.position).join('');
  }

  takeKeyword(keyword: Keyword): boolean {
    // Words are cut no longer than a keyword and one more: looking ahead stays cheap in front of a huge word.
    for (let length = 0; length <= keyword.length; length++) {
      const ends = this.position + length >= this.text.length || !isWordCharacter(this.peek(length));
      if (ends !== (length === keyword.length)) return false;
    }
    const word = this.text.slice(this.position, this.position + keyword.length).join('');
    if (keywordOf(word) !== keyword) return false;
    this.position += keyword.length;
    return true;
  }

  atQuote(): boolean {
    return this.peek() === '"' || this.peek() === "'";
  }

  /** A quoted text: a backslash escapes the quote and itself, and is otherwise kept. */
  takeQuoted(): string {
    const quote = this.peek();
    const raw = this.takeDelimited(`a closing ${quote}`);
    const parts: string[] = [];
    for (let i = 0; i < raw.length; i++) {
      if (raw[i] === '\\' && (raw[i + 1] === quote || raw[i + 1] === '\\')) i++;
      parts.push(raw[i]!);
    }
    return parts.join('');
  }

  /** What stands between the delimiter that comes next and its twin, backslashes kept; one after a backslash is skipped. */
  takeDelimited(closing: string): readonly string[] {
    const delimiter = this.peek();
    const start = this.position + 1;
    let end = start;
    while (end < this.text.length && this.text[end] !== delimiter) end += this.text[end] === '\\' ? 2 : 1;
    if (end >= this.text.length) this.fail(`expected ${closing}`, this.text.length);
    this.position = end + 1;
    return this.text.slice(start, end);
  }
}
