/** The identity of a node: what it may look like. Everything that takes a name from outside asks here. */
import { LIMITS } from '../limits.ts';
import { TextSyntaxError, type SyntaxErrorCode } from '../where/syntax-error.ts';

const NODE_NAME = /^[a-z0-9_](?:[a-z0-9_-]|\.(?!\.))*$/;
const CHARACTER = /^[a-z0-9._-]$/;

export function isNodeName(text: string): boolean {
  return text.length <= LIMITS.nodeNameLength && NODE_NAME.test(text);
}

/** @throws TextSyntaxError `bad-node-name` */
export function parseNodeName(text: string): string {
  if (!isNodeName(text)) failName(text, 'bad-node-name');
  return text;
}

/** Says what is wrong with a text that isn't a node's name, and where. */
export function failName(text: string, code: SyntaxErrorCode): never {
  const characters = Array.from(text);
  const fail = (at: number, expected: string): never => {
    throw new TextSyntaxError(code, characters, at, expected);
  };
  if (text === '') fail(0, "expected a node's name");
  const stranger = characters.findIndex((character) => !CHARACTER.test(character));
  if (stranger >= 0) {
    const isUpper = /^[A-Z]$/.test(characters[stranger]!);
    fail(stranger, `expected a lower-case letter, a digit, ".", "-" or "_"${isUpper ? ': names are lower-case' : ''}`);
  }
  if (text.startsWith('.') || text.startsWith('-')) fail(0, 'expected a letter, a digit or "_" first');
  if (text.length > LIMITS.nodeNameLength) {
    fail(LIMITS.nodeNameLength, `expected a name of at most ${LIMITS.nodeNameLength} characters`);
  }
  return fail(text.indexOf('..') + 1, 'expected no dot after a dot');
}
