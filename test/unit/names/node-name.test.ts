import { expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { isNodeName, parseNodeName } from '../../../shared/names/node-name.ts';
import { syntaxErrorOf } from '../where/errors-of.ts';

it.each(['db1', 'a', '0', '_a', 'web01.example.org', 'a-b_c', 'a.', 'a-', 'x'.repeat(LIMITS.nodeNameLength)])(
  '%s is a name',
  (name) => {
    expect(isNodeName(name)).toBe(true);
    expect(parseNodeName(name)).toBe(name);
  },
);

it.each([
  ['', 1, "expected a node's name"],
  ['DB1', 1, 'names are lower-case'],
  ['dbÄ', 3, 'expected a lower-case letter'],
  ['a/b', 2, 'expected a lower-case letter'],
  ['../etc', 3, 'expected a lower-case letter'],
  ['a b', 2, 'expected a lower-case letter'],
  ['a\n', 2, 'expected a lower-case letter'],
  ['a*', 2, 'expected a lower-case letter'],
  ['a\u0000', 2, 'expected a lower-case letter'],
  ['.a', 1, 'first'],
  ['-a', 1, 'first'],
  ['.', 1, 'first'],
  ['..', 1, 'first'],
  ['a..b', 3, 'no dot after a dot'],
  ['a...', 3, 'no dot after a dot'],
  ['x'.repeat(LIMITS.nodeNameLength + 1), LIMITS.nodeNameLength + 1, 'at most 253 characters'],
])('%j is none', (text, column, says) => {
  const error = syntaxErrorOf(() => parseNodeName(text));

  expect(isNodeName(text)).toBe(false);
  expect(error.code).toBe('bad-node-name');
  expect(error.column).toBe(column);
  expect(error.message).toContain(says);
});
