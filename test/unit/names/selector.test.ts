import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { matchesName, namesOf, parseNameSelector } from '../../../shared/names/selector.ts';
import { syntaxErrorOf } from '../where/errors-of.ts';
import { readVectors } from '../where/vectors.ts';

const { selectors, bad } = readVectors('names');

describe.each(selectors)('$selector', ({ selector, names, matches, rejects }) => {
  it('matches what it says, and nothing else', () => {
    const parsed = parseNameSelector(selector);

    expect([...matches, ...rejects].filter((name) => matchesName(parsed, name))).toEqual(matches);
  });

  it('stands for a finite list, or for none', () => {
    expect(namesOf(parseNameSelector(selector))).toEqual(names);
  });
});

describe('a text that is no selector', () => {
  it.each(bad)('$selector is wrong at column $column', ({ selector, column, says }) => {
    const error = syntaxErrorOf(() => parseNameSelector(selector));

    expect(error.code).toBe('bad-selector');
    expect(error.column).toBe(column);
    expect(error.message).toContain(says);
  });
});

describe('limits', () => {
  it('takes a set of as many names as may be', () => {
    const digits = String(LIMITS.foldedSetNames - 1);

    expect(namesOf(parseNameSelector(`n[0-${digits}]`))).toHaveLength(LIMITS.foldedSetNames);
    expect(() => parseNameSelector(`n[0-${digits}],m1`)).toThrow('at most');
    // The same names again are work as well.
    expect(() => parseNameSelector(`n[1-${digits}],n[1-${digits}]`)).toThrow('at most');
  });

  it('takes no set with a name that is too long', () => {
    const long = 'x'.repeat(LIMITS.nodeNameLength - 1);

    expect(namesOf(parseNameSelector(`${long}[1-9]`))).toHaveLength(9);
    const error = syntaxErrorOf(() => parseNameSelector(`${long}[1-10]`));
    expect(error.message).toContain(`at most ${LIMITS.nodeNameLength} characters`);
    expect(error.message.length).toBeLessThan(200);
  });

  it('takes no glob and no pattern that is too long', () => {
    expect(() => parseNameSelector('a*'.repeat(LIMITS.patternBytes))).toThrow('a pattern of at most');
    expect(() => parseNameSelector(`/${'a'.repeat(LIMITS.patternBytes + 1)}/`)).toThrow('a pattern of at most');
  });
});
