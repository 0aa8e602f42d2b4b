import { expect, it } from 'vitest';
import { explainWhere, type Explanation } from '../../../shared/where/explain.ts';
import { parseWhere } from '../../../shared/where/parse.ts';

const FACTS = { role: 'db', cpus: 8, tags: ['a', 'b'], net: { eth0: 1, eth1: 2 } };

function explain(where: string): Explanation {
  return explainWhere(parseWhere(where), FACTS);
}

function deciders(where: string): string[] {
  return explain(where).decisions.map(({ text }) => text);
}

it('tells the predicate, its column, its outcome and what the node has there', () => {
  expect(explain('role==app')).toEqual({
    result: false,
    decisions: [{ text: 'role=app', column: 1, result: false, found: ['db'] }],
  });
  expect(explain('cpus>4 and net.* in (2, 3)').decisions[1]).toEqual({
    text: 'net.* in (2, 3)',
    column: 12,
    result: true,
    found: [1, 2],
  });
});

it('finds nothing where the node lacks the fact, and a list as a list', () => {
  expect(explain('zone!=eu').decisions[0]!.found).toEqual([]);
  expect(explain('tags=a').decisions[0]!.found).toEqual([['a', 'b']]);
});

it.each([
  ['role=db and cpus > 4', true, ['role=db', 'cpus > 4']],
  ['role=app and cpus > 4', false, ['role=app']],
  ['role=app and cpus > 9', false, ['role=app', 'cpus > 9']],
  ['role=app or cpus > 4', true, ['cpus > 4']],
  ['role=db or cpus > 4', true, ['role=db', 'cpus > 4']],
  ['role=app or cpus > 9', false, ['role=app', 'cpus > 9']],
  ['not role=app', true, ['role=app']],
  ['not (role=db and cpus > 9)', true, ['cpus > 9']],
  ['not (role=db or cpus > 9)', false, ['role=db']],
  ['(role=app or tags=a) and (cpus > 9 or tags=b)', true, ['tags=a', 'tags=b']],
  ['(role=app and tags=a) or (cpus > 9 and tags=b)', false, ['role=app', 'cpus > 9']],
])('%s is %s because of %j', (where, result, texts) => {
  expect(explain(where).result).toBe(result);
  expect(deciders(where)).toEqual(texts);
});

it('keeps the outcome of a negated predicate its own', () => {
  expect(explain('not role=app').decisions[0]!.result).toBe(false);
});
