import { describe, expect, it } from 'vitest';
import { EXIT, UsageError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { predicatesOf } from '../../../shared/where/expression.ts';
import { matchWhere } from '../../../shared/where/match.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { syntaxErrorOf } from './errors-of.ts';
import { readVectors } from './vectors.ts';

describe('a text that is no expression', () => {
  it.each(readVectors('errors').cases)('$where is wrong at column $column', ({ where, column, says }) => {
    const error = syntaxErrorOf(() => parseWhere(where));

    expect(error.column).toBe(column);
    expect(error.message).toContain(says);
    expect(error.message).toBe(`column ${column}: ${error.expected}`);
  });

  it('is a usage error with a code, before anything is sent', () => {
    const error = syntaxErrorOf(() => parseWhere('role='));

    expect(error).toBeInstanceOf(UsageError);
    expect(error.code).toBe('bad-expression');
    expect(error.exit).toBe(EXIT.usage);
    expect(error.message).toBe('column 6: expected a value after "="');
  });
});

describe('the hint', () => {
  it('shows the expression with a caret under the column', () => {
    expect(syntaxErrorOf(() => parseWhere('role=')).hint).toBe('role=\n     ^');
    expect(syntaxErrorOf(() => parseWhere('a=b c')).hint).toBe('a=b c\n    ^');
  });

  it('shows the place in a long expression', () => {
    const hint = syntaxErrorOf(() =>
      parseWhere(`${'role=db and '.repeat(50)}role= and x=y${' or a=b'.repeat(50)}`),
    ).hint!;
    const [shown, caret] = hint.split('\n') as [string, string];

    expect(shown.length).toBeLessThan(80);
    expect(shown.startsWith('…') && shown.endsWith('…')).toBe(true);
    expect(shown.slice(caret.indexOf('^')).startsWith('and x=y')).toBe(true);
  });

  it('keeps line ends and terminal sequences out of what is shown', () => {
    const error = syntaxErrorOf(() => parseWhere('a=b\n\u001B[31m\u202E =~ '));

    expect(error.hint!.split('\n')).toHaveLength(2);
    expect(error.hint).not.toMatch(/[\u001B\u202E]/);
    expect(syntaxErrorOf(() => parseWhere('a =~ \\\u001B[2J')).message).not.toContain('\u001B');
  });
});

describe('limits', () => {
  it('takes an expression of 64 KiB, and not one byte more', () => {
    const longest = `a='${'x'.repeat(LIMITS.whereBytes - 4)}'`;

    expect(parseWhere(longest).kind).toBe('equals');
    expect(syntaxErrorOf(() => parseWhere(`${longest} `)).message).toContain(`at most ${LIMITS.whereBytes} bytes`);
    // Bytes, not characters.
    const wide = `a='${'é'.repeat(LIMITS.whereBytes / 2)}'`;
    expect(syntaxErrorOf(() => parseWhere(wide)).message).toContain('bytes');
  });

  it('takes 64 levels of parentheses, and not one more', () => {
    const nested = (levels: number): string => `${'('.repeat(levels)}a${')'.repeat(levels)}`;
    const error = syntaxErrorOf(() => parseWhere(nested(LIMITS.whereDepth + 1)));

    expect(parseWhere(nested(LIMITS.whereDepth)).kind).toBe('holds');
    expect(error.message).toContain(`at most ${LIMITS.whereDepth} levels`);
    expect(error.column).toBe(LIMITS.whereDepth + 1);
  });

  it('takes any number of nots and of terms: they are no levels', () => {
    const chain = Array.from({ length: 8_000 }, () => 'a').join(' or ');

    expect([...predicatesOf(parseWhere(chain))]).toHaveLength(8_000);
    expect(matchWhere(parseWhere(chain), { a: true })).toBe(true);
    expect(parseWhere(`${'not '.repeat(16_000)}a`).kind).toBe('holds');
    expect(parseWhere(`${'!'.repeat(60_001)}a`).kind).toBe('not');
  });

  it.each([
    ['a regular expression', (text: string): string => `a =~ [${text.slice(2)}]`],
    ['a quoted one', (text: string): string => `a =~ '[${text.slice(2)}]'`],
    ['a glob', (text: string): string => `a=*${text.slice(1)}`],
    ['a glob in a list', (text: string): string => `a in (*${text.slice(1)})`],
    ['a wildcard in a path', (text: string): string => `*${text.slice(1)}=1`],
  ])('takes %s of 4 KiB, and not one byte more', (_, expression) => {
    const longest = 'x'.repeat(LIMITS.patternBytes);

    expect(() => parseWhere(expression(longest))).not.toThrow();
    expect(syntaxErrorOf(() => parseWhere(expression(`${longest}x`))).message).toContain(
      `a pattern of at most ${LIMITS.patternBytes} bytes`,
    );
  });

  it('refuses a short pattern that stands for a huge one', () => {
    const huge = '.{1000}'.repeat(500);

    expect(syntaxErrorOf(() => parseWhere(`a =~ ${huge}`)).message).toContain('a pattern that repeats less');
  });

  it.each([
    ['patterns', 'a =~ /[a-e]{200}x/', 3],
    ['globs', `a=*${'x'.repeat(4_000)}`, 3],
    ['comparisons with all facts', '*=1', LIMITS.whereWork + 1],
    ['lists compared with all facts', `* in (${Array(100).fill('a').join(',')})`, 6],
  ])('refuses many %s that one by one are fine, and says where it became too much', (_what, one, many) => {
    const terms = (count: number): string => Array<string>(count).fill(one).join(' or ');

    expect(() => parseWhere(terms(many - 1))).not.toThrow();
    const error = syntaxErrorOf(() => parseWhere(terms(many)));
    expect(error.message).toContain(`together they may take ${LIMITS.whereWork} steps`);
    expect(error.column).toBe(terms(many).length - one.length + 1);
  });
});

it('says at which column each predicate stands', () => {
  const columns = Array.from(predicatesOf(parseWhere('a=1 and (é or not 🚀 =~ x) and has(b)')), ({ column }) => column);

  expect(columns).toEqual([1, 10, 19, 31]);
});
