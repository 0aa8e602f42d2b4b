import { describe, expect, it } from 'vitest';
import { foldNames } from '../../../shared/names/fold.ts';
import { unfoldNames } from '../../../shared/names/folded-set.ts';
import { readVectors } from '../where/vectors.ts';

describe('names folded', () => {
  it.each(readVectors('names').folds)('$names: $folded', ({ names, folded }) => {
    expect(foldNames(names)).toBe(folded);
    expect(new Set(unfoldNames(folded))).toEqual(new Set(names));
  });

  it('put ten thousand names into one line', () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `web${String(at).padStart(5, '0')}.example.org`);

    expect(foldNames(names.toReversed())).toBe('web[00000-09999].example.org');
  });

  it('put a grid of names into one set', () => {
    const racks = Array.from({ length: 100 }, (_, rack) => rack + 1);
    const names = racks.flatMap((rack) => racks.map((node) => `rack${rack}-node${String(node).padStart(3, '0')}.eu1`));

    expect(foldNames(names)).toBe('rack[1-100]-node[001-100].eu1');
  });

  it('leave ten thousand names alone that have nothing in common', () => {
    const names = Array.from({ length: 10_000 }, (_, at) => at.toString(2).replaceAll('0', 'a').replaceAll('1', 'b'));

    expect(foldNames(names).split(',')).toHaveLength(10_000);
  });
});
