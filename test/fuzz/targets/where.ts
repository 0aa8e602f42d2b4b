/** Expressions: text from a caller, matched with facts on every node that it reaches. */
import { isDeepStrictEqual } from 'node:util';
import { explainWhere } from '../../../shared/where/explain.ts';
import { formatWhere } from '../../../shared/where/format.ts';
import { matchWhere } from '../../../shared/where/match.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { TextSyntaxError } from '../../../shared/where/syntax-error.ts';
import { equalityTerms, pathsOf } from '../../../shared/where/terms.ts';
import { firstBeyond } from '../../../shared/where/work.ts';
import type { Expression } from '../../../shared/where/expression.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { withoutColumns } from '../../unit/where/plain.ts';
import { promise, type FuzzTarget } from '../target.ts';

const FACTS: Readonly<Record<string, unknown>> = {
  name: 'db1.example.org',
  role: 'db',
  cpus: 8,
  load: 0.25,
  spare: false,
  none: null,
  tags: ['a', 'b', ['c', 'web1'], { deep: { er: 'x' } }],
  os: { release: { major: '12', full: '12.5-rc1' }, family: 'debian' },
  ip: ['10.1.2.3', 'fe80::1%eth0', '::ffff:192.168.0.1'],
  built: '2026-01-15T12:00:00Z',
  memory: 17_179_869_184,
  'a.b': { '*': 1, __proto__: 2 },
  large: 2n ** 60n,
};

export const where: FuzzTarget = {
  name: 'where',
  about: 'targeting expressions: read or refused at a column, the same again from the canonical form, bounded work',
  sources: ['shared/where/'],
  // A little more than an expression may have.
  maxBytes: LIMITS.whereBytes + 64,
  shape: 'text',
  dictionary:
    'and or not in AND OR NOT IN has( HAS( ( ) , && || ! = == != < <= > >= =~ !~ " \' / /i \\ . * ? role cpus tags os.release.major "a.b" __proto__ constructor db 8 08 3.10 1.0-rc1 512MB 16GiB 30d 2026-01-15 10.0.0.0/8 ::/0 ::ffff:0:0/96 (?:a|b)+ [a-z]{2,9} \\Q \\E (a+)+$ .*.*.* x{0,400} true false null 1e308 -0 ٣ é 🚀'.split(
      ' ',
    ),
  // An expression may cost so much that it is refused when it is read; up to there it costs what it costs.
  work: { base: 3_000_000, perByte: 400 },
  start: () =>
    Promise.resolve({
      seeds: [
        'role=db and not (cpus>=8 or tags in (a, web*))',
        'has(os.release.major) && os.family=~/^deb/i || !spare',
        "ip in 10.0.0.0/8 or ip in (::1/128, 'x') and os.release.full < 12.5",
        'os.*.major="12" and memory > 16GiB and built < 2026-02-01 and name=db?.example.org',
        'load <= .5 and "a.b".x != 1 and tags.deep.er !~ \'y\' and large = 1152921504606846976',
      ].map((text) => Buffer.from(text)),
      run,
    }),
};

function run(input: Uint8Array): string {
  const text = Buffer.from(input).toString();
  let expression: Expression;
  try {
    expression = parseWhere(text);
  } catch (error) {
    if (!(error instanceof TextSyntaxError)) throw error;
    promise(error.column >= 1 && error.column <= Array.from(text).length + 1, 'an error beyond the text');
    promise(error.hint?.split('\n').length === 2, 'a hint that is not two lines');
    // What was expected, without what depends on the text.
    return error.expected.split(/[:;"]/)[0] ?? '';
  }
  const result = matchWhere(expression, FACTS);
  const { result: explained, decisions } = explainWhere(expression, FACTS);
  promise(explained === result && decisions.length > 0, 'explained in another way than matched');
  promise(firstBeyond(expression, LIMITS.whereWork) === undefined, 'more work than is allowed');
  pathsOf(expression);
  equalityTerms(expression);
  const canonical = formatWhere(expression);
  // It may be longer than an expression may be.
  if (Buffer.byteLength(canonical) <= LIMITS.whereBytes) {
    const again = parseWhere(canonical);
    promise(isDeepStrictEqual(withoutColumns(again), withoutColumns(expression)), 'another expression came back');
    promise(formatWhere(again) === canonical, 'the canonical form has another');
    promise(matchWhere(again, FACTS) === result, 'the canonical form matches otherwise');
  }
  return `${expression.kind} ${result}`;
}
