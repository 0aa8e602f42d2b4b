import { describe, expect, it } from 'vitest';
import { lookUp } from '../../../shared/where/find.ts';
import { mayOverlap, parsePath } from '../../../shared/where/paths.ts';
import { syntaxErrorOf } from './errors-of.ts';
import { readVectors } from './vectors.ts';

const { facts, cases, bad } = readVectors('lookups');

describe('looking up a path', () => {
  it.each(cases)('$path', ({ path, found }) => {
    expect(lookUp(facts, parsePath(path))).toEqual(found);
  });

  it('gives paths that find the same value again', () => {
    for (const { path } of cases) {
      for (const place of lookUp(facts, parsePath(path))) expect(lookUp(facts, parsePath(place.path))).toEqual([place]);
    }
  });
});

describe('a text that is no path', () => {
  it.each(bad)('$path is wrong at column $column', ({ path, column }) => {
    const error = syntaxErrorOf(() => parsePath(path));

    expect(error.code).toBe('bad-path');
    expect(error.column).toBe(column);
  });
});

describe('whether two paths may speak of the same fact', () => {
  it.each([
    ['memory.free', 'memory.free', true],
    ['memory.free', 'memory.total', false],
    ['memory', 'memory.free', true],
    ['memory.free.bytes', 'memory.free', true],
    ['memory.*', 'memory.free', true],
    ['mem*.fr*', 'memory.free', true],
    ['*', 'memory.free', true],
    ['swap.*', 'memory.free', false],
    ['memory.t*', 'memory.free', false],
    ['"memory.free"', 'memory.free', false],
    ['disks.0.free', 'disks.free', true],
    ['disks.*.free', 'disks.free', true],
    ['disks.free', 'disks.*.free', true],
    ['disks.0.1.free', 'disks.free', true],
    ['disks.name', 'disks.free', false],
    ['disks.0.name', 'disks.free', false],
    ['0.free', 'free', true],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(mayOverlap(parsePath(a), parsePath(b))).toBe(expected);
    expect(mayOverlap(parsePath(b), parsePath(a))).toBe(expected);
  });

  it('is told without going through every way two long paths may fit', () => {
    const stars = parsePath(`${'*.'.repeat(5_000)}x`);

    expect(mayOverlap(stars, parsePath(`${'*.'.repeat(20)}y.z`))).toBe(true);
    expect(mayOverlap(stars, parsePath('load.one'))).toBe(true);
  });
});
