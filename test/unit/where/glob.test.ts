import { expect, it } from 'vitest';
import { compileGlob, matchGlob, type CodePoints } from '../../../shared/where/glob.ts';

/** A text that counts how often it is looked at: the work of matching, without a clock. */
class CountedText implements CodePoints {
  readonly length: number;
  looks = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.length = text.length;
  }

  codePointAt(index: number): number | undefined {
    this.looks++;
    return this.#text.codePointAt(index);
  }
}

function looks(glob: string, text: string): number {
  const counted = new CountedText(text);
  expect(matchGlob(compileGlob(glob), counted)).toBe(false);
  return counted.looks;
}

it('does work in proportion to the text, however many stars fail', () => {
  const glob = `${'*a'.repeat(20)}*b`;

  const once = looks(glob, 'a'.repeat(5_000));
  const twice = looks(glob, 'a'.repeat(10_000));

  expect(twice).toBeLessThan(2.2 * once);
  expect(once).toBeLessThan(5_000 * 42 * 2);
});

it('does work in proportion to the pattern, not to its power', () => {
  const text = 'a'.repeat(5_000);

  expect(looks(`${'*a'.repeat(500)}*b`, text)).toBeLessThan(30 * looks(`${'*a'.repeat(20)}*b`, text));
  expect(looks(`*${'a'.repeat(500)}b`, text)).toBeLessThan(5_000 * 501 * 2);
});

it('takes many stars for one', () => {
  expect(compileGlob('a****b').parts).toHaveLength(3);
});
