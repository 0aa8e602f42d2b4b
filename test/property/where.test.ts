import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expression } from '../../shared/where/expression.ts';
import { explainWhere } from '../../shared/where/explain.ts';
import { lookUp, type Facts } from '../../shared/where/find.ts';
import { formatWhere } from '../../shared/where/format.ts';
import { compileGlob, matchGlob } from '../../shared/where/glob.ts';
import { matchWhere } from '../../shared/where/match.ts';
import { isWithin, parseAddress, parseNetwork } from '../../shared/where/networks.ts';
import { compareReadings } from '../../shared/where/order.ts';
import { parseWhere } from '../../shared/where/parse.ts';
import { parsePath } from '../../shared/where/paths.ts';
import { TextSyntaxError } from '../../shared/where/syntax-error.ts';
import { indexedTexts } from '../../shared/where/index-terms.ts';
import { equalityTerms, pathsOf } from '../../shared/where/terms.ts';
import { readFact, readText } from '../../shared/where/values.ts';
import { compareVersions, parseVersion, type Version } from '../../shared/where/versions.ts';
import { withoutColumns } from '../unit/where/plain.ts';

/** Pieces of expressions, right and wrong: put together at random they get far into the parser. */
const TOKENS = [
  ...'and or not in AND In has has( ( ) , && || ! & | . = == != < <= > >= =~ !~ ~ " \' / /i * ? [ ] {1000}'.split(' '),
  ...'a b a.b tags "x.y" \'q\' 8 08 3.10 512MB 30d 10.0.0.0/8 ::1/129 2026-01-01 web* /^w/ (?= é 🚀 __proto__ (?i)'.split(
    ' ',
  ),
  ' ',
  '\n',
  '\\',
  '\\1',
  '\u0000',
  '\uD800',
  "'it\\'s'",
];
const soup = fc.array(fc.constantFrom(...TOKENS), { maxLength: 24 }).map((tokens) => tokens.join(''));

const path = fc.constantFrom(
  'a',
  'b',
  'a.b',
  'tags',
  'u',
  'u.x',
  '*',
  'a.*',
  '"x.y"',
  '__proto__',
  'list.name',
  '"and"',
);
const value = fc.constantFrom(
  '8',
  "'8'",
  '08',
  'db',
  "'d b'",
  'd*',
  "'*'",
  '3.10',
  '1.9.3p1',
  '512MB',
  '30d',
  "''",
  '"it\'s"',
);
const predicate = fc.oneof(
  fc.tuple(path, fc.constantFrom('=', '!=', '<', '<=', '>', '>=', '=='), value).map((parts) => parts.join(' ')),
  fc
    .tuple(path, fc.constantFrom('=~', '!~'), fc.constantFrom('/d.b?/i', "'/x'", 'd|'.slice(0, 1), '"\'/"'))
    .map((p) => p.join(' ')),
  fc
    .tuple(path, fc.constantFrom('in', 'not in'), value, value)
    .map(([p, op, v, w]) => `${p} ${op} (${v}, ${w}, 10.0.0.0/8)`),
  path.map((p) => `${p} in ::/0`),
  path.map((p) => `has(${p})`),
  path,
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    predicate,
    fc
      .tuple(tie('expression'), fc.constantFrom('and', 'or', '&&', '||'), tie('expression'))
      .map((parts) => parts.join(' ')),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `not (${inner})`),
    tie('expression').map((inner) => `!${inner}`),
  ),
}));

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    8,
    'db',
    '8',
    3.1,
    '3.10',
    true,
    false,
    null,
    0,
    '',
    '1.9.3p1',
    512_000_000,
    '10.1.2.3',
    10n,
  ),
  fc.string({ unit: 'grapheme' }),
  fc.double(),
);
const { fact } = fc.letrec<{ fact: unknown }>((tie) => ({
  fact: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('fact'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'x', 'name', 'x.y', '__proto__', '0'), tie('fact'), { maxKeys: 4 }),
  ),
}));
const facts: fc.Arbitrary<Facts> = fc.dictionary(
  fc.constantFrom('a', 'b', 'tags', 'u', 'list', 'x.y', '__proto__', 'and'),
  fact,
  { maxKeys: 6 },
);

const isUndecided = ({ text }: { text: string }): boolean => text.startsWith('u') || text === '*';

function tryParse(text: string): Expression | undefined {
  try {
    return parseWhere(text);
  } catch (error) {
    if (error instanceof TextSyntaxError) return undefined;
    throw error;
  }
}

describe('any text', () => {
  it.each([
    ['made of pieces of expressions', soup],
    ['of any characters', fc.string({ unit: 'binary', maxLength: 60 })],
    ['an expression with something in the way', fc.tuple(expression, soup, fc.nat()).map(insert)],
  ])('%s is an expression or a syntax error within it', (_, texts) => {
    fc.assert(
      fc.property(texts, facts, (text, document) => {
        try {
          const parsed = parseWhere(text);
          expect(matchWhere(parsed, document)).toBeTypeOf('boolean');
        } catch (error) {
          if (!(error instanceof TextSyntaxError)) throw error;
          expect(error.column).toBeGreaterThan(0);
          expect(error.column).toBeLessThanOrEqual(Array.from(text).length + 1);
          expect(error.hint?.split('\n')).toHaveLength(2);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('reads the same from its canonical form', () => {
    fc.assert(
      fc.property(fc.oneof(expression, soup), facts, (text, document) => {
        const parsed = tryParse(text);
        fc.pre(parsed !== undefined);
        const canonical = formatWhere(parsed);
        const again = parseWhere(canonical);

        expect(withoutColumns(again)).toEqual(withoutColumns(parsed));
        expect(formatWhere(again)).toBe(canonical);
        expect(matchWhere(again, document)).toBe(matchWhere(parsed, document));
      }),
      { numRuns: 2_000 },
    );
  });
});

function insert([text, piece, at]: [string, string, number]): string {
  const place = at % (text.length + 1);
  return text.slice(0, place) + piece + text.slice(place);
}

describe('the logic', () => {
  /** The value of an expression, and of what is built from it, with some facts unknown. */
  function value3(text: string, document: Facts): boolean | undefined {
    return matchWhere(parseWhere(text), document, { isUndecided });
  }

  it.each<[string, (a: string, b: string, c: string) => [string, string]]>([
    ['double negation', (a) => [`not (not (${a}))`, a]],
    ['De Morgan, and', (a, b) => [`not ((${a}) and (${b}))`, `(not (${a})) or (not (${b}))`]],
    ['De Morgan, or', (a, b) => [`not ((${a}) or (${b}))`, `(not (${a})) and (not (${b}))`]],
    ['and commutes', (a, b) => [`(${a}) and (${b})`, `(${b}) and (${a})`]],
    ['or commutes', (a, b) => [`(${a}) or (${b})`, `(${b}) or (${a})`]],
    ['and associates', (a, b, c) => [`((${a}) and (${b})) and (${c})`, `(${a}) and ((${b}) and (${c}))`]],
    ['and distributes', (a, b, c) => [`(${a}) and ((${b}) or (${c}))`, `((${a}) and (${b})) or ((${a}) and (${c}))`]],
    ['absorption', (a, b) => [`(${a}) or ((${a}) and (${b}))`, a]],
  ])('is Kleene: %s', (_, law) => {
    fc.assert(
      fc.property(expression, expression, expression, facts, (a, b, c, document) => {
        const [left, right] = law(a, b, c);
        expect(value3(left, document)).toBe(value3(right, document));
      }),
      { numRuns: 300 },
    );
  });

  it('never changes its mind when more is known', () => {
    fc.assert(
      fc.property(expression, facts, (text, document) => {
        const known = value3(text, document);
        if (known !== undefined) expect(matchWhere(parseWhere(text), document)).toBe(known);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is explained by predicates that exist, with the outcome that matching has', () => {
    fc.assert(
      fc.property(expression, facts, (text, document) => {
        const parsed = parseWhere(text);
        const { result, decisions } = explainWhere(parsed, document);

        expect(result).toBe(matchWhere(parsed, document));
        expect(decisions.length).toBeGreaterThan(0);
        for (const decision of decisions) expect(matchWhere(parseWhere(decision.text), document)).toBe(decision.result);
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps its promise about necessary equalities', () => {
    fc.assert(
      fc.property(expression, facts, (text, document) => {
        const parsed = parseWhere(text);
        fc.pre(matchWhere(parsed, document));
        for (const term of equalityTerms(parsed)) {
          const found = lookUp(document, parsePath(term.path)).flatMap((place) => [place.value].flat(Infinity));
          expect(found.map(String)).toContain(term.value);
          // Whoever matches listens where a command goes that is sent by this term.
          expect(indexedTexts(document, term.path)).toContain(term.value);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('speaks of no paths but those it lists', () => {
    fc.assert(
      fc.property(expression, facts, (text, document) => {
        const parsed = parseWhere(text);
        const asked = new Set<string>();
        const note = ({ text: canonical }: { text: string }): boolean => {
          asked.add(canonical);
          return true;
        };

        expect(matchWhere(parsed, document, { isUndecided: note })).toBeUndefined();
        expect([...asked]).toEqual(pathsOf(parsed));
      }),
      { numRuns: 300 },
    );
  });
});

describe('order', () => {
  const part = fc.constantFrom('0', '00', '1', '01', '9', '10', 'a', 'p', 'rc', 'RC', 'alpha', 'dev', 'z', 'snapshot');
  const version = fc
    .tuple(
      fc.constantFrom('0', '1', '1.0', 'v1', '10'),
      fc.array(fc.tuple(fc.constantFrom('.', '-', '', '_'), part), { maxLength: 4 }),
    )
    .map(([first, rest]) => first + rest.flat().join(''));
  const parse = (text: string): Version => {
    const parsed = parseVersion(text);
    if (parsed === undefined) throw new Error(`"${text}" should be a version`);
    return parsed;
  };

  it('of versions is total: reflexive, antisymmetric, transitive', () => {
    fc.assert(
      fc.property(version, version, version, (x, y, z) => {
        const [a, b, c] = [parse(x), parse(y), parse(z)];

        expect(compareVersions(a, a)).toBe(0);
        expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)));
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        if (compareVersions(a, b) === 0)
          expect(Math.sign(compareVersions(a, c))).toBe(Math.sign(compareVersions(b, c)));
      }),
      { numRuns: 20_000 },
    );
  });

  it('of any two texts is the other way round the other way round, or none both ways', () => {
    const text = fc.oneof(version, value, soup, fc.string());
    fc.assert(
      fc.property(text, text, (x, y) => {
        const [a, b] = [readFact(x), readText(y)];
        fc.pre(a !== undefined && b !== undefined);
        const there = compareReadings(a, b);
        const back = compareReadings(b, a);

        expect(there === undefined).toBe(back === undefined);
        if (there !== undefined && back !== undefined) expect(Math.sign(there)).toBe(0 - Math.sign(back));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('globs', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', '🚀', '*', '?'), maxLength: 8 });

  it('match what the same regular expression matches', () => {
    fc.assert(
      fc.property(few, few, (glob, text) => {
        const source = glob.replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchGlob(compileGlob(glob), text)).toBe(new RegExp(`^${source}$`, 'su').test(text));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('networks', () => {
  it('hold the addresses that share their prefix', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(32), (a, b, prefix) => {
        const network = parseNetwork(`${dotted(a)}/${prefix}`);
        if (network === undefined || 'problem' in network) throw new Error('should be a network');
        const mask = prefix === 0 ? 0n : (0xffffffffn << BigInt(32 - prefix)) & 0xffffffffn;

        expect(isWithin(network, parseAddress(dotted(b))!)).toBe((BigInt(a) & mask) === (BigInt(b) & mask));
        expect(isWithin(network, parseAddress(`::ffff:${dotted(a)}`)!)).toBe(true);
      }),
    );
  });

  it('never throw on any text', () => {
    const text = fc.oneof(fc.ipV4(), fc.ipV4Extended(), fc.ipV6(), fc.string(), soup);
    fc.assert(
      fc.property(text, fc.oneof(fc.nat(200).map(String), fc.string()), (address, prefix) => {
        const length = parseAddress(address)?.length;
        expect([undefined, 4, 16]).toContain(length);
        expect(parseNetwork(`${address}/${prefix}`) === undefined).toBeTypeOf('boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  function dotted(address: number): string {
    return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
  }
});
