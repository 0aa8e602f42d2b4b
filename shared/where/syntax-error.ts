/**
 * What is wrong with an expression, a fact path or a name selector, and where. Thrown before anything is sent; people
 * see the message and, as the hint, the text with a caret under the place.
 */
import { UsageError } from '../errors.ts';

/** Code points shown on each side of the caret, so that the hint stays on one line of a terminal. */
const SHOWN_EACH_SIDE = 36;

export type SyntaxErrorCode = 'bad-expression' | 'bad-path' | 'bad-selector' | 'bad-node-name';

/** A piece of text that a person typed can't be read. Whoever typed it corrects it at `column`. */
export class TextSyntaxError extends UsageError {
  /** 1-based, in code points; one past the end where something is missing there. */
  readonly column: number;
  /** What would have been right, as in the message: `expected a value after "="`. */
  readonly expected: string;

  /** `at` is the 0-based code point of the trouble. */
  constructor(code: SyntaxErrorCode, text: readonly string[], at: number, expected: string) {
    const shown = visible(expected);
    super(`column ${at + 1}: ${shown}`, { code, hint: withCaret(text, at) });
    this.column = at + 1;
    this.expected = shown;
  }
}

function withCaret(text: readonly string[], at: number): string {
  const start = Math.max(0, at - SHOWN_EACH_SIDE);
  const end = Math.min(text.length, at + SHOWN_EACH_SIDE);
  const before = start > 0 ? '…' : '';
  const shown = text.slice(start, end).map(visible);
  const after = end < text.length ? '…' : '';
  return `${before}${shown.join('')}${after}\n${' '.repeat(before.length + at - start)}^`;
}

/** Line ends, tabs and terminal control sequences would move the caret, or worse. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}
