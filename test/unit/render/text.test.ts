/** The small things that tables are made of. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { alignColumns } from '../../../controller/render/columns.ts';
import { ageText, elapsedText, momentText } from '../../../controller/render/durations.ts';
import { visibleLine, visibleText } from '../../../controller/render/visible.ts';
import { cutTo, widthOf } from '../../../controller/render/width.ts';

describe('the width of a text', () => {
  test.each([
    ['plain', 5],
    ['日本語', 6],
    ['한국', 4],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['Ünï', 3],
    ['ＡＢ', 4],
    ['', 0],
  ])('of %s is %i', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  test('is never more than it was cut to', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        expect(widthOf(cutTo(text, width))).toBeLessThanOrEqual(width);
        expect(cutTo(text, widthOf(text))).toBe(text);
      }),
    );
  });
});

describe('columns', () => {
  test('align wide characters, and numbers to the right', () => {
    const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' }, { title: 'REST' }] as const;
    const rows = [
      ['日本', '1', 'a'],
      ['abcdef', '100', 'b'],
    ];
    expect(alignColumns(columns, rows)).toEqual([
      'NAME      N  REST', //
      '日本      1  a',
      'abcdef  100  b',
    ]);
  });

  test('let a short row run on without widening what it runs over', () => {
    const columns = [{ title: 'A' }, { title: 'B' }, { title: 'C' }];
    expect(
      alignColumns(columns, [
        ['1', 'a longer story'],
        ['2', 'x', 'y'],
      ]),
    ).toEqual([
      'A  B  C', //
      '1  a longer story',
      '2  x  y',
    ]);
  });

  test('colour a cell without counting the colour', () => {
    const paint = (text: string): string => `<${text}>`;
    expect(
      alignColumns(
        [{ title: '' }, { title: '' }],
        [
          [{ text: 'a', paint }, 'x'],
          ['bbb', 'y'],
        ],
      ),
    ).toEqual(['<a>    x', 'bbb  y']);
  });

  test('cut only what stands last on a line', () => {
    const columns = [{ title: 'A' }, { title: 'B' }];
    expect(alignColumns(columns, [['name', 'x'.repeat(40)]], { fit: 20 })[1]).toBe(`name  ${'x'.repeat(13)}…`);
  });
});

describe('what cannot be seen', () => {
  test('is spelled out, but for the newlines and tabs of a text', () => {
    expect(visibleText('a\tb\r\nc\u0000\u007f\u0085')).toBe('a\tb\nc\\x00\\x7f\\x85');
    expect(visibleLine('a\tb\r\nc')).toBe('a\\tb\\r\\nc');
  });

  test('does not touch letters of any script', () => {
    expect(visibleLine('Grüße 日本 👩‍👩‍👧 नमस्ते')).toBe('Grüße 日本 👩‍👩‍👧 नमस्ते');
  });
});

describe('times', () => {
  test.each([
    [120, '0.12 s'],
    [17_300, '17.3 s'],
    [125_000, '2 min 5 s'],
  ])('%i ms took %s', (ms, text) => {
    expect(elapsedText(ms)).toBe(text);
  });

  test.each([
    [3, '3 ms'],
    [59_000, '59 s'],
    [3_599_000, '59 min'],
    [86_399_000, '23 h'],
    [90_000_000, '1 d'],
  ])('%i ms are %s old', (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });

  test('of the day are cut to the second, anything else is left alone', () => {
    expect(momentText('2026-11-02T10:22:01.123Z')).toBe('2026-11-02 10:22:01');
    expect(momentText('long ago')).toBe('long ago');
  });
});
