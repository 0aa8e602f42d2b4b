import { describe, expect, it } from 'vitest';
import { wayText } from '../../../controller/render/way-words.ts';
import { findRoute, type Listener } from '../../../controller/route.ts';
import { parseWhere } from '../../../shared/where/parse.ts';

const listener = (facts: Record<string, unknown>, indexed = Object.keys(facts)): Listener => ({ facts, indexed });
const fleet = new Map([
  ['db1', listener({ role: 'db', site: 'a' })],
  ['db2', listener({ role: 'db', site: 'b' })],
  ['web1', listener({ role: 'web', site: 'a', cpus: 8 })],
  ['multi', listener({ role: ['web', 'cache'], site: 'a', cpus: 8 })],
]);
const route = (where: string, expected: readonly string[], known = fleet) =>
  findRoute(parseWhere(where), expected, { names: [...known.keys()], entries: known });

describe('the way of a command', () => {
  it('is the fact that wakes the fewest', () => {
    expect(route('site=a and role=db', ['db1'])).toEqual({ fact: 'role', value: 'db', wakes: 2 });
    expect(route('site=b and role=db', ['db2'])).toEqual({ fact: 'site', value: 'b', wakes: 1 });
  });

  it('reaches who has the value among several, or as a number', () => {
    expect(route('role=cache', ['multi'])).toEqual({ fact: 'role', value: 'cache', wakes: 1 });
    expect(route('cpus=8', ['multi', 'web1'])).toEqual({ fact: 'cpus', value: '8', wakes: 2 });
  });

  it.each(['role=db or site=a', 'role!=web', 'role=d*', 'not role=web', 'role in (db, web)', 'cpus=08', 'cpus > 4'])(
    'is none by a fact where %s does not say which value it has',
    (where) => expect(route(where, ['db1'])).toBeUndefined(),
  );

  it('is none where somebody who is expected does not listen: nobody is missed', () => {
    const deaf = new Map(fleet).set('db2', listener({ role: 'db', site: 'b' }, ['site']));
    expect(route('role=db', ['db1', 'db2'], deaf)).toBeUndefined();
    expect(route('role=db', ['db1', 'unheard-of'])).toBeUndefined();
    expect(route('role=db', ['db1'], new Map(fleet).set('db1', { facts: { role: 'db' } }))).toBeUndefined();
  });
});

describe('--explain', () => {
  const resolved = { expected: [{}, {}] as never[], fleetSize: 10_000, undecided: new Set<string>() };

  it.each([
    [
      { via: { kind: 'fact', fact: 'role', value: 'db' }, wakes: 812 } as const,
      'sent once, by role=db: wakes 812 nodes',
    ],
    [{ via: { kind: 'all' }, wakes: 10_000 } as const, 'sent once, to the whole fleet: wakes 10000 nodes'],
    [undefined, 'sent to each of them, signed 2 times'],
  ])('says whom %j wakes', (broadcast, words) => {
    const plan = { broadcast, commands: [{}, {}] as never[], where: 'role=db' };
    expect(wayText(plan, resolved)).toBe(`2 of 10000 nodes match role=db; ${words}`);
    expect(wayText(plan, { ...resolved, undecided: new Set(['db1']) })).toContain('1 of them have to be asked');
  });
});
