/**
 * Makes text from nodes harmless to look at: a program's output may hold escape sequences that move the cursor, rename
 * the window or answer for the operator, and marks that turn the reading direction. What can't be seen is spelled out.
 * Applied to everything that tables and notices say, also when it goes into a pipe: the pipe may end at a terminal.
 */

/** C0 but for tab and newline, DEL, C1, and the Unicode marks that reorder or break lines, as a class for patterns. */
const UNSEEN =
  '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff';

const UNSEEN_ANYWHERE = new RegExp(`[${UNSEEN}]`);
const EACH_UNSEEN = new RegExp(`[${UNSEEN}]`, 'g');
const EACH_UNSEEN_OR_BREAK = new RegExp(`[\\t\\n${UNSEEN}]`, 'g');

/** Text of several lines: newlines and tabs stay. */
export function visibleText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(EACH_UNSEEN, spelledOut);
}

/** Text that has to stay on its line. */
export function visibleLine(text: string): string {
  return text.replace(EACH_UNSEEN_OR_BREAK, spelledOut);
}

/** For JSON and YAML, which escape C0 by themselves and leave the rest as it is. */
export function escapeUnseen(document: string): string {
  return document.replace(EACH_UNSEEN, (character) => `\\u${hex(character, 4)}`);
}

export function hasUnseen(text: string): boolean {
  return UNSEEN_ANYWHERE.test(text);
}

const SHORT: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function spelledOut(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  return character.charCodeAt(0) < 0x100 ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
