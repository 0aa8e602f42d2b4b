import { expect, it } from 'vitest';
import { compareVersions, parseVersion, type Version } from '../../../shared/where/versions.ts';
import { readVectors } from './vectors.ts';

const { ascending, none } = readVectors('versions');

function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`"${text}" should be a version`);
  return parsed;
}

it('orders every pair of the table', () => {
  const ranked = ascending.flatMap((texts, rank) => texts.map((text) => ({ text, rank })));
  for (const a of ranked) {
    for (const b of ranked) {
      const order = Math.sign(compareVersions(version(a.text), version(b.text)));
      expect([a.text, b.text, order]).toEqual([a.text, b.text, Math.sign(a.rank - b.rank)]);
    }
  }
});

it.each(none)('takes %j for no version', (text) => {
  expect(parseVersion(text)).toBeUndefined();
});
