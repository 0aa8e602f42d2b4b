import { describe, expect, it } from 'vitest';
import {
  parseJsonFacts,
  parseKeyValueLines,
  parsePrintedFacts,
  parseYamlFacts,
} from '../../../agent/facts/parse-facts.ts';

describe('JSON facts', () => {
  it('keep their types', () => {
    expect(parseJsonFacts('{"a": 1, "b": "1", "c": [true, null]}')).toEqual({ a: 1, b: '1', c: [true, null] });
  });

  it.each([
    ['{"a": 1,}', /isn't valid JSON: .*position/],
    ['', /isn't valid JSON/],
    ['[1]', /must be a map of facts, and is a list/],
  ])('refuse %j', (text, reason) => {
    expect(() => parseJsonFacts(text)).toThrow(reason);
  });
});

describe('YAML facts', () => {
  it('keep their types, and YAML 1.2 has no yes', async () => {
    const text = '# ours\nrole: db\nreplicas: 3\nprimary: true\nanswer: yes\nzip: "0123"\nlist: [a, 1]\n';
    const facts = { role: 'db', replicas: 3, primary: true, answer: 'yes', zip: '0123', list: ['a', 1] };
    expect(await parseYamlFacts(text)).toEqual(facts);
  });

  it.each(['', '# nothing yet\n', '---\n'])('are none in %j', async (text) => {
    expect(await parseYamlFacts(text)).toEqual({});
  });

  it.each([
    ['a: [1', /isn't valid YAML: .* at line 1, column \d+/],
    ['a: 1\nb: 2\na: 3\n', /isn't valid YAML: .* at line 3/],
    ['just words', /must be a map of facts, and is a text/],
    ['a: *nothing', /isn't valid YAML/],
    ['a: .inf', /holds Infinity/],
    ['a: 1\n---\nb: 1\n', /isn't valid YAML/],
  ])('refuse %j', async (text, reason) => {
    await expect(parseYamlFacts(text)).rejects.toThrow(reason);
  });

  it('refuse aliases that expand without end', async () => {
    const levels = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`);
    await expect(parseYamlFacts(['l0: &l0 x', ...levels].join('\n'))).rejects.toThrow(
      /isn't valid YAML|holds more than/,
    );
  });

  it('keep __proto__ as a key', async () => {
    const facts = await parseYamlFacts('__proto__:\n  polluted: true\n');
    expect(Object.keys(facts)).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
  });
});

describe('key=value lines', () => {
  it('are typed as far as nothing is lost', () => {
    const text = [
      '# comment',
      'text = some words ',
      'whole=12',
      'negative=-3',
      'version=1.10',
      'zip=0123',
      'huge=12345678901234567890',
      'quoted="12"',
      "single='true'",
      'on=true',
      'off=false',
      'empty=',
      'app.name=shop',
      'app.port=80',
      'equation=a=b',
    ].join('\n');
    expect(parseKeyValueLines(text)).toEqual({
      text: 'some words',
      whole: 12,
      negative: -3,
      version: '1.10',
      zip: '0123',
      huge: '12345678901234567890',
      quoted: '12',
      single: 'true',
      on: true,
      off: false,
      empty: '',
      app: { name: 'shop', port: 80 },
      equation: 'a=b',
    });
  });

  it('are not there if one line is something else', () => {
    expect(parseKeyValueLines('a=1\nwhat is this')).toBeUndefined();
  });

  it.each([
    ['a=1\na.b=2', 'says that "a" is both a value and a map'],
    ['a.b=1\na=2', 'says that "a" is both a value and a map'],
    ['a..b=1', 'has an empty part in the key "a..b"'],
  ])('refuse %j', (text, reason) => {
    expect(() => parseKeyValueLines(text)).toThrow(reason);
  });

  it('keep __proto__ as a key', () => {
    const facts = parseKeyValueLines('__proto__.polluted=true\nconstructor.prototype.polluted=true');
    expect(Object.keys(facts ?? {})).toEqual(['__proto__', 'constructor']);
    expect('polluted' in {}).toBe(false);
  });
});

describe('what an executable printed', () => {
  it.each([
    ['{"a": 1}\n', { a: 1 }],
    ['a: 1\nb:\n  - x\n', { a: 1, b: ['x'] }],
    ['a=1\n', { a: 1 }],
    ['url: http://x/?a=b\n', { url: 'http://x/?a=b' }],
    ['\n\n', {}],
  ])('%j', async (text, facts) => {
    expect(await parsePrintedFacts(text)).toEqual(facts);
  });

  it.each(['words', '<html>', '{"a": '])('refuses %j', async (text) => {
    await expect(parsePrintedFacts(text)).rejects.toThrow();
  });
});
