import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../shared/where/find.ts';
import { matchWhere } from '../../../shared/where/match.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { readVectors } from './vectors.ts';

function match(where: string, facts: Facts): boolean {
  return matchWhere(parseWhere(where), facts);
}

describe.each(readVectors('matches').groups)('$rule', ({ facts, ...expected }) => {
  it.each(expected.true)('%s holds', (where) => {
    expect(match(where, facts)).toBe(true);
  });

  it.each(expected.false)('%s does not hold', (where) => {
    expect(match(where, facts)).toBe(false);
  });
});

describe('comparisons', () => {
  it.each(readVectors('order').cases)('$fact is $is $value', ({ fact, value, is }) => {
    const holding = ['<', '<=', '>', '>='].filter((sign) => match(`f ${sign} '${value}'`, { f: fact }));

    expect(holding).toEqual({ '<': ['<', '<='], '=': ['<=', '>='], '>': ['>', '>='], none: [] }[is]);
  });
});

describe('where some facts are not known', () => {
  const { facts, undecided, cases } = readVectors('undecided');

  it.each(cases)('$where is $is', ({ where, is }) => {
    const isUndecided = (path: { text: string }): boolean => undecided.includes(path.text);

    expect(matchWhere(parseWhere(where), facts, { isUndecided })).toBe(is ?? undefined);
  });

  it('is always decided without that option, missing facts included', () => {
    for (const { where } of cases) expect(match(where, facts)).toBeTypeOf('boolean');
  });
});

describe('facts as msgpack decodes them', () => {
  it('compares integers beyond the exact numbers by value', () => {
    const facts = { inode: 18_446_744_073_709_551_615n, zero: 0n, eight: 8n };

    expect(match('inode=18446744073709551615', facts)).toBe(true);
    expect(match('inode=18446744073709551614', facts)).toBe(false);
    expect(match('inode > 18446744073709551614', facts)).toBe(true);
    expect(match('inode > 1PiB', facts)).toBe(true);
    expect(match('eight=08.0 and eight < 8.5 and eight=8*', facts)).toBe(true);
    expect(match('zero', facts)).toBe(false);
    expect(match('zero=0', facts)).toBe(true);
  });

  it('takes NaN, undefined and functions for what they are: nothing to compare', () => {
    const facts = { nan: Number.NaN, none: undefined, code: () => 1 };

    expect(match('nan <= 1 or nan >= 1 or nan=0', facts)).toBe(false);
    expect(match('has(none) or none!=x', facts)).toBe(false);
    expect(match('code=* or code > 0', facts)).toBe(false);
  });

  it('finds nothing that a fact only inherits', () => {
    const facts = Object.create({ role: 'db' }) as Facts;

    expect(match('has(role)', facts)).toBe(false);
  });
});

describe('documents that are deep or huge', () => {
  const DEPTH = 200_000;

  function nest(wrap: (inner: unknown) => unknown, core: unknown): unknown {
    let value = core;
    for (let level = 0; level < DEPTH; level++) value = wrap(value);
    return value;
  }

  it('goes through lists in lists without recursion', () => {
    const facts = { list: nest((inner) => [inner], 'core') };

    expect(match('list=core', facts)).toBe(true);
    expect(match('list.x=core', facts)).toBe(false);
    expect(match('list!=core or list.*.*=x', facts)).toBe(false);
  });

  it('goes into maps in maps only as deep as the path', () => {
    const facts = { map: nest((inner) => ({ a: inner }), 'core') };

    expect(match('map.a.a.a', facts)).toBe(true);
    expect(match(`${'*.'.repeat(1000)}a=core`, facts)).toBe(false);
  });

  it('looks at every item of a long list', () => {
    const facts = { list: Array.from({ length: 300_000 }, (_, at) => ({ id: at })) };

    expect(match('list.id=299999', facts)).toBe(true);
    expect(match('list.id > 299999', facts)).toBe(false);
    expect(match('list.*99999.id=299999', facts)).toBe(true);
  });
});
