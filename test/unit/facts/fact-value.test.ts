import { describe, expect, it } from 'vitest';
import { canonicalFacts } from '../../../agent/facts/canonical-facts.ts';
import { decidesPath, formatPath, leafPaths, topLevelKey, withoutPaths } from '../../../agent/facts/fact-path.ts';
import { toFacts, type FactDocument } from '../../../agent/facts/fact-value.ts';
import { freezeFacts, mergeFacts } from '../../../agent/facts/merge-facts.ts';
import { LIMITS } from '../../../shared/limits.ts';

const HOSTILE = JSON.parse(
  '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
) as FactDocument;

function isPolluted(): boolean {
  return 'polluted' in {};
}

describe('what becomes a fact', () => {
  it('keeps every type, and makes a copy', () => {
    const value = { text: 'a', number: 1.5, yes: true, none: null, list: [1, ['x'], {}], map: { a: { b: 0 } } };
    const facts = toFacts(value);
    expect(facts).toEqual(value);
    expect(facts['map']).not.toBe(value.map);
  });

  it('keeps the keys of prototypes as ordinary keys', () => {
    const facts = toFacts(HOSTILE);
    expect(Object.keys(facts)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(facts)).toBe(Object.prototype);
    expect(isPolluted()).toBe(false);
  });

  it.each([
    ['a list', [1], 'must be a map of facts, and is a list'],
    ['nothing', null, 'must be a map of facts, and is null'],
    ['a text', 'x', 'must be a map of facts, and is a text'],
    ['infinity', { a: Infinity }, 'holds Infinity, which is no number that can be sent'],
    ['a big integer', { a: [1n] }, "holds a bigint, which can't be a fact"],
    ['a date', { a: new Date(0) }, "holds an object that isn't a map"],
  ])('refuses %s', (_, value, reason) => {
    expect(() => toFacts(value)).toThrow(reason);
  });

  it('refuses what is nested too deep', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
    expect(() => toFacts(nested(LIMITS.factDepth))).not.toThrow();
    expect(() => toFacts(nested(LIMITS.factDepth + 1))).toThrow('nested deeper than 16 levels');
    expect(() => toFacts(nested(10_000))).toThrow('nested deeper');
  });

  it('stops at an expansion of shared values', () => {
    let bomb: unknown = 1;
    for (let level = 0; level < 10; level += 1) bomb = Array.from({ length: 10 }, () => bomb);
    expect(() => toFacts({ bomb })).toThrow('holds more than 65536 values');
  });
});

describe('facts laid over each other', () => {
  it('merge maps and replace the rest', () => {
    const base = { a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } };
    const over = { a: { c: [3], g: null }, d: { h: 1 }, e: 'y' };
    expect(mergeFacts(base, over)).toEqual({ a: { b: 1, c: [3], g: null }, d: { h: 1 }, e: 'y' });
    expect(base).toEqual({ a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } });
  });

  it('never touch a prototype', () => {
    const merged = mergeFacts(mergeFacts({}, toFacts(HOSTILE)), toFacts(HOSTILE));
    expect(Object.keys(merged)).toEqual(['__proto__', 'constructor']);
    expect(isPolluted()).toBe(false);
  });

  it('are frozen all the way down', () => {
    const facts = freezeFacts<FactDocument>({ a: [{ b: 1 }] });
    expect(() => Object.assign((facts['a'] as object[])[0]!, { b: 2 })).toThrow(TypeError);
  });
});

describe('the canonical text', () => {
  it('is one for all orders of keys, and another for other values', () => {
    const text = canonicalFacts({ b: [1, { d: 1, c: '1' }], a: null });
    expect(text).toBe('{"a":null,"b":[1,{"c":"1","d":1}]}');
    expect(canonicalFacts({ a: null, b: [1, { c: '1', d: 1 }] })).toBe(text);
    expect(canonicalFacts({ a: null, b: [1, { c: 1, d: 1 }] })).not.toBe(text);
    expect(canonicalFacts(toFacts(HOSTILE))).toContain('__proto__');
  });
});

describe('paths', () => {
  it.each([
    ['os.release.major', 'os'],
    ['"app.io/name".x', 'app.io/name'],
    ["'it\\'s'.x", "it's"],
    ['cpus', 'cpus'],
    ['*.free', undefined],
    ['net*.ip', undefined],
  ])('%s begins with %s', (path, key) => {
    expect(topLevelKey(path)).toBe(key);
  });

  it('are written with quotes where they need them', () => {
    expect(formatPath(['labels', 'app.io/name', 'größe', 'a"b'])).toBe('labels."app.io/name".größe."a\\"b"');
  });

  it('lead to every value', () => {
    expect(leafPaths({ a: { b: 1, c: { d: [1] } }, e: {}, f: null })).toEqual([
      ['a', 'b'],
      ['a', 'c', 'd'],
      ['e'],
      ['f'],
    ]);
  });

  it('are taken out, through lists too, with the maps that it empties', () => {
    const facts = {
      disks: [{ name: 'a', free: 1 }, { name: 'b', free: 2 }, 7],
      memory: { swap: { free: 1 }, total: 2 },
      load: 1,
    };
    const paths = [['disks', 'free'], ['memory', 'swap', 'free'], ['load'], ['nothing', 'here']];
    expect(withoutPaths(facts, paths)).toEqual({ disks: [{ name: 'a' }, { name: 'b' }, 7], memory: { total: 2 } });
    expect(facts.disks[0]).toEqual({ name: 'a', free: 1 });
  });

  it.each([
    [['memory', 'free'], true],
    [['memory', 'total'], false],
    [['disks', 'free'], true],
    [['load'], false],
    [['constructor'], false],
  ])('%j is decided by the settings: %s', (path, isDecided) => {
    expect(decidesPath({ memory: { free: 1 }, disks: [] }, path)).toBe(isDecided);
  });
});
