import { describe, expect, it } from 'vitest';
import { formatWhere } from '../../../shared/where/format.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { withoutColumns } from './plain.ts';
import { readVectors } from './vectors.ts';

describe('the canonical text', () => {
  it.each(readVectors('canonical').cases)('of $where is $canonical', ({ where, canonical }) => {
    const expression = parseWhere(where);

    expect(formatWhere(expression)).toBe(canonical);
    expect(withoutColumns(parseWhere(canonical))).toEqual(withoutColumns(expression));
  });

  it.each(readVectors('matches').groups)('reads as the same expression: $rule', (group) => {
    for (const where of [...group.true, ...group.false]) {
      const expression = parseWhere(where);
      expect(withoutColumns(parseWhere(formatWhere(expression)))).toEqual(withoutColumns(expression));
    }
  });
});
