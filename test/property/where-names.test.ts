import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { foldNames } from '../../shared/names/fold.ts';
import { unfoldNames } from '../../shared/names/folded-set.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import { matchesName, namesOf, parseNameSelector } from '../../shared/names/selector.ts';
import { TextSyntaxError } from '../../shared/where/syntax-error.ts';

const piece = fc.constantFrom(
  'web',
  'db',
  'n',
  '-',
  '_',
  '0',
  '1',
  '2',
  '9',
  '01',
  '02',
  '09',
  '10',
  '11',
  '99',
  '100',
  'x',
  '1234567890123456',
);
const name = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => pieces.join(''))
  .filter(isNodeName);
const names = fc.array(name, { maxLength: 60 });

it('unfolds to the names that were folded', () => {
  fc.assert(
    fc.property(names, (all) => {
      const folded = foldNames(all);
      expect(new Set(unfoldNames(folded))).toEqual(new Set(all));
      // The text doesn't depend on the order in which the names came.
      expect(foldNames(all.toReversed())).toBe(folded);
    }),
    { numRuns: 3_000 },
  );
});

it('takes what it folded as a selector of exactly these names', () => {
  fc.assert(
    fc.property(names, name, (all, other) => {
      fc.pre(all.length > 0);
      const selector = parseNameSelector(foldNames(all));
      expect(all.every((one) => matchesName(selector, one))).toBe(true);
      expect(matchesName(selector, other)).toBe(all.includes(other));
    }),
    { numRuns: 1_000 },
  );
});

it('reads any text as a selector, or says at which column it is none', () => {
  const token = fc.constantFrom(
    'web',
    '[',
    ']',
    '1',
    '01',
    '-',
    ',',
    '*',
    '?',
    '/',
    '/i',
    '.',
    '..',
    'A',
    '\\',
    '(',
    '🚀',
    '99999',
  );
  const soup = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(''));
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
      try {
        const selector = parseNameSelector(text);
        expect((namesOf(selector) ?? []).every((one) => isNodeName(one) && matchesName(selector, one))).toBe(true);
      } catch (error) {
        if (!(error instanceof TextSyntaxError)) throw error;
        expect(error.column).toBeGreaterThan(0);
        expect(error.column).toBeLessThanOrEqual(Array.from(text).length + 1);
      }
    }),
    { numRuns: 3_000 },
  );
});

it('orders names naturally and totally', () => {
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      expect(compareNatural(a, a)).toBe(0);
      expect(Math.sign(compareNatural(a, b))).toBe(0 - Math.sign(compareNatural(b, a)));
      expect(compareNatural(a, b) === 0).toBe(a === b);
      if (compareNatural(a, b) <= 0 && compareNatural(b, c) <= 0) expect(compareNatural(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 5_000 },
  );
});

it('finds a name again that has one slip in it', () => {
  fc.assert(
    fc.property(name, fc.nat(), names, (wanted, at, others) => {
      const place = at % wanted.length;
      const slip = wanted.slice(0, place) + wanted.slice(place + 1);
      expect(nearestNames(slip, [...others, wanted], Infinity)).toContain(wanted);
    }),
    { numRuns: 500 },
  );
});
