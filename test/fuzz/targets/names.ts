/** Names as people type them: folded sets, globs, patterns, fact paths. */
import { isDeepStrictEqual } from 'node:util';
import { LIMITS } from '../../../shared/limits.ts';
import { foldNames } from '../../../shared/names/fold.ts';
import { unfoldNames } from '../../../shared/names/folded-set.ts';
import { nearestNames } from '../../../shared/names/nearest.ts';
import { isNodeName } from '../../../shared/names/node-name.ts';
import { matchesName, namesOf, parseNameSelector } from '../../../shared/names/selector.ts';
import { parseVia, toToken } from '../../../shared/subjects.ts';
import { parsePath } from '../../../shared/where/paths.ts';
import { TextSyntaxError } from '../../../shared/where/syntax-error.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget } from '../target.ts';

/** Sets beyond it are looked at no further: folding them takes a second. */
const FOLDED_NAMES = 300;

export const names: FuzzTarget = {
  name: 'names',
  about: 'names, folded sets, globs, fact paths, subject tokens: read or refused at a column, and back again',
  sources: ['shared/names/', 'shared/subjects.ts', 'shared/where/paths.ts'],
  maxBytes: 4 * 1024,
  shape: 'text',
  dictionary:
    'web db [01-20] [1-3,7] [ ] - , 0 9 01 99999 100000 . .. ../ * ? / /i _ A é 🚀 "a.b" \' \\ \u0000 direct all fact: ='.split(
      ' ',
    ),
  // A set of a hundred thousand names is a short text, and each of them takes a hundred blocks.
  work: { base: 20_000_000, perByte: 2_000 },
  start: () =>
    Promise.resolve({
      seeds: [
        'web[01-20].example.org,db[1-3,7]',
        'rack[1-4]-node[01-16]',
        'web*',
        '/^db\\d+/i',
        'a."b.c".*.0',
        'fact:role=db',
      ].map((text) => Buffer.from(text)),
      run,
    }),
};

function run(input: Uint8Array): string {
  const text = Buffer.from(input).toString();
  assertToken(text);
  return [readSelector(text), readPath(text) === 'path', codeOf(() => parseVia(text)) === 'accepted'].join(' ');
}

function readSelector(text: string): string {
  return refusalOr(text, () => {
    const selector = parseNameSelector(text);
    const found = namesOf(selector);
    if (found === undefined) return selector.kind;
    promise(found.length <= LIMITS.foldedSetNames, 'more names than a set may stand for');
    promise(found.every(isNodeName), 'a name that is none');
    if (found.length > FOLDED_NAMES) return 'large set';
    promise(
      found.every((name) => matchesName(selector, name)),
      'a name that its own selector does not match',
    );
    const folded = foldNames(found);
    promise(isDeepStrictEqual(new Set(unfoldNames(folded)), new Set(found)), 'other names came back');
    promise(foldNames(found.toReversed()) === folded, 'folded otherwise in another order');
    if (found[0] !== undefined) promise(nearestNames(found[0], found, Infinity).includes(found[0]), 'not near itself');
    return selector.kind;
  });
}

function readPath(text: string): string {
  return refusalOr(text, () => {
    const path = parsePath(text);
    const again = parsePath(path.text);
    promise(isDeepStrictEqual(again, { ...path, segments: again.segments }), 'the canonical path has another');
    promise(again.segments.length === path.segments.length, 'another path came back');
    return 'path';
  });
}

function assertToken(text: string): void {
  promise(/^[a-zA-Z0-9_=-]{1,128}$/.test(toToken(text)), 'a token that is none');
}

function refusalOr(text: string, read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TextSyntaxError)) throw error;
    promise(error.column >= 1 && error.column <= Array.from(text).length + 1, 'an error beyond the text');
    return error.expected.split(/[:;",]/)[0] ?? '';
  }
}
