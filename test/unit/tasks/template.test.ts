import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillTemplate, leadingParameters, parseTemplate, type Template } from '../../../agent/tasks/template.ts';

function parse(source: string): Template {
  const parsed = parseTemplate(source);
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  return parsed.template;
}

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['{{a}}', '<a>'],
  ['{{ a }}', '<a>'],
  ['--to={{a}}', '--to=<a>'],
  ['{{a}}{{b-c}}', '<a><b-c>'],
  ['{{{{.Names}}', '{{.Names}}'],
  ['{{{{{{a}}', '{{<a>'],
  ['{"a":{{a}}}', '{"a":<a>}'],
  ['a }} b', 'a }} b'],
  ['$(rm) `x` {a}', '$(rm) `x` {a}'],
])('%j becomes %j', (source, filled) => {
  expect(fillTemplate(parse(source), (name) => `<${name}>`)).toBe(filled);
});

test.each(['{{', '{{}}', '{{a', '{{a}', '{{.Names}}', '{{1a}}', '{{a b}}', '{{a\n}}'])(
  '%j is no template',
  (source) => {
    expect(parseTemplate(source).problem).toContain('{{');
  },
);

test.each([
  ['{{a}}', ['a']],
  ['{{a}}{{b}}', ['a', 'b']],
  ['x{{a}}', []],
  ['{{a}}x{{b}}', ['a']],
  ['x', []],
])('the parameters that may begin %j are %j', (source, names) => {
  expect(leadingParameters(parse(source))).toEqual(names);
});

test('any text can be written as a template', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(fillTemplate(parse(text.replaceAll('{{', '{{{{')), () => 'x')).toBe(text);
    }),
  );
});
