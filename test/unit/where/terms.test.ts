import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { formatWhere } from '../../../shared/where/format.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { allOf, equalityTerms, pathsOf } from '../../../shared/where/terms.ts';
import { syntaxErrorOf } from './errors-of.ts';

it('lists the paths of an expression, canonical, each once', () => {
  const expression = parseWhere("a=1 and ('b'.c or not has(a)) and d.* in (1) and labels.'x.y' < 2");

  expect(pathsOf(expression)).toEqual(['a', 'b.c', 'd.*', 'labels."x.y"']);
});

describe('the equalities without which an expression can not hold', () => {
  it.each([
    ['role=db', [{ path: 'role', value: 'db' }]],
    [
      "role=db and site='eu west'",
      [
        { path: 'role', value: 'db' },
        { path: 'site', value: 'eu west' },
      ],
    ],
    ['role=db and (site=eu and a=b)', ['role', 'site', 'a']],
    ['role=db and cpus > 4 and has(x)', ['role']],
    ['role=db and (site=eu or site=us)', ['role']],
    ['not not role=db', ['role']],
    ['cpus=8', [{ path: 'cpus', value: '8' }]],
    ["role='d*'", [{ path: 'role', value: 'd*' }]],
    ['role=db or site=eu', []],
    ['not role=db', []],
    ['role!=db', []],
    ['role=d*', []],
    ['role.*=db', []],
    ['cpus=08', []],
    ["cpus='08'", [{ path: 'cpus', value: '08' }]],
    ['cpus=8.0', []],
    ['role in (db)', []],
    ['role', []],
  ])('%s: %j', (where, expected) => {
    const terms = equalityTerms(parseWhere(where));

    if (typeof expected[0] === 'string') expect(terms.map(({ path }) => path)).toEqual(expected);
    else expect(terms).toEqual(expected);
  });
});

describe('several expressions put together', () => {
  it.each([
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a or b', 'c'], '(a or b) and c'],
    [['a and b', 'c or d', 'not e'], 'a and b and (c or d) and not e'],
  ])('%j: %s', (texts, expected) => {
    expect(formatWhere(allOf(texts.map(parseWhere))!)).toBe(expected);
  });

  it('says nothing where there is none', () => {
    expect(allOf([])).toBeUndefined();
  });

  it('keep the limits of one', () => {
    const large = parseWhere(`a='${'x'.repeat(LIMITS.whereBytes / 2)}'`);

    expect(syntaxErrorOf(() => allOf([large, large])).message).toContain('bytes');
  });
});
