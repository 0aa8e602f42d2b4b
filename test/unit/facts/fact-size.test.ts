import fc from 'fast-check';

import { describe, expect, it } from 'vitest';
import { factBytes } from '../../../agent/facts/fact-size.ts';
import { toFacts } from '../../../agent/facts/fact-value.ts';
import { encode } from '../../../shared/codec.ts';

describe('the size of facts', () => {
  it('is what msgpack needs, or a little more, and never less', () => {
    const values = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 20, noNullPrototype: true });
    fc.assert(
      fc.property(values, (value) => {
        const facts = toFacts(value);
        expect(factBytes(facts)).toBeGreaterThanOrEqual(encode(facts).length);
      }),
      { numRuns: 300 },
    );
  });

  it.each([0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, -32, -33, -129, -40_000, 1.5])(
    'holds for the number %d',
    (number) => {
      expect(factBytes({ number })).toBeGreaterThanOrEqual(encode({ number }).length);
    },
  );

  it.each([31, 32, 255, 256, 65_536])('is exact for a text of %d bytes', (length) => {
    const text = 'x'.repeat(length);
    expect(factBytes(text)).toBe(encode(text).length);
  });

  it.each([15, 16, 200])('is exact for lists and maps of %d items', (length) => {
    const list = Array.from({ length }, (_, at) => `k${at}`);
    const map = Object.fromEntries(list.map((key) => [key, true]));
    expect(factBytes(list)).toBe(encode(list).length);
    expect(factBytes(map)).toBe(encode(map).length);
  });
});
