import { describe, expect, it } from 'vitest';
import type { RosterNode } from '../../../controller/directory.ts';
import { resolveTarget, type TargetSpec } from '../../../controller/resolve.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import type { InventoryBody } from '../../../shared/wire/inventory.ts';
import { codeOf } from '../../support/refusal.ts';

const node = (name: string, changes: Partial<RosterNode> = {}): RosterNode => ({
  name,
  state: 'joined',
  trusted: {},
  ...changes,
});
const roster = new Map(
  [
    node('web2'), node('db1', { trusted: { role: 'db' } }), node('db2'), node('web1'), node('old', { state: 'retired' }), node('dumb'),
  ].map((one) => [one.name, one]),
); // prettier-ignore
const entry = (name: string, facts: Record<string, unknown>, volatile: string[] = []): [string, InventoryBody] => [
  name,
  { subject: '', revision: 1, node: name, facts, volatile, actions: [], tasks: [] },
];
const inventory = new Map([
  entry('db1', { role: 'db' }, ['memory.free']),
  entry('db2', { role: 'db', name: 'web1', trusted: { role: 'boss' } }),
  entry('web1', { role: 'web' }),
  entry('web2', { role: 'web' }),
  entry('old', { role: 'db' }),
]);

function resolve(
  changes: Omit<Partial<TargetSpec>, 'where'> & { where?: string },
  known: typeof inventory | undefined = inventory,
) {
  const { where, ...rest } = changes;
  const spec: TargetSpec = {
    nodes: [],
    exclude: [],
    seed: 's',
    fresh: false,
    ...rest,
    ...(where === undefined ? {} : { where: parseWhere(where) }),
  };
  const { expected, undecided, fleetSize } = resolveTarget(spec, roster, known);
  return { names: expected.map(({ name }) => name), undecided: [...undecided], fleetSize };
}

describe('the expected set', () => {
  it('is the whole fleet without a target, retired nodes left out, in order of name', () => {
    expect(resolve({})).toEqual({ names: ['db1', 'db2', 'dumb', 'web1', 'web2'], undecided: [], fleetSize: 5 });
  });

  it.each<[string, Parameters<typeof resolve>[0], string[], string[]]>([
    ['by facts', { where: 'role=db' }, ['db1', 'db2', 'dumb'], ['dumb']],
    ['by facts that nobody has', { where: 'role=mail' }, ['dumb'], ['dumb']],
    ['by facts and a name that decides', { where: 'role=mail and name=web1' }, [], []],
    ['by a fact that changes by the minute', { where: 'memory.free > 1' }, ['db1', 'dumb'], ['db1', 'dumb']],
    ['by a name in the words of the roster, not of the node', { where: 'name=web1' }, ['web1'], []],
    ['by a trusted fact, in the words of the roster alone', { where: 'trusted.role=boss' }, [], []],
    ['by a name', { nodes: [['db1']] }, ['db1'], []],
    ['by a glob', { nodes: [['web*']] }, ['web1', 'web2'], []],
    ['by a folded set', { nodes: [['web[1-2]']] }, ['web1', 'web2'], []],
    ['by one list or the other in it', { nodes: [['web1', 'db*']] }, ['db1', 'db2', 'web1'], []],
    ['by two lists that both have to hold', { nodes: [['web*', 'db1'], ['*1']] }, ['db1', 'web1'], []],
    ['without some', { exclude: ['web*', 'dumb'] }, ['db1', 'db2'], []],
    ['by names and facts', { nodes: [['db*']], where: 'role=db' }, ['db1', 'db2'], []],
    ['fresh: only what is fixed decides', { where: 'role=db', fresh: true }, ['db1', 'db2', 'dumb', 'web1', 'web2'], ['db1', 'db2', 'dumb', 'web1', 'web2']],
    ['fresh, by name', { where: 'name=db1', fresh: true }, ['db1'], []],
  ])('is right %s', (_what, target, names, undecided) => {
    expect(resolve(target)).toEqual({ names, undecided, fleetSize: 5 });
  }); // prettier-ignore

  it('knows that the trusted facts of a node without inventory are those of the roster', () => {
    expect(resolve({ where: 'trusted.role=db' }, new Map()).names).toEqual(['db1']);
  });
});

describe('a path that a node chose and that is none', () => {
  it('leaves that node undecided, and nobody else', () => {
    const hostile = new Map([...inventory, entry('web1', { role: 'web' }, ['a..b'])]);
    expect(resolve({ where: 'role=db' }, hostile)).toMatchObject({
      names: ['db1', 'db2', 'dumb', 'web1'],
      undecided: ['dumb', 'web1'],
    });
    expect(resolve({ where: 'name=db1' }, hostile).names).toEqual(['db1']);
  });
});

describe('a trusted fact', () => {
  it('is never what the node says of itself', () => {
    expect(resolve({ where: 'trusted.role=boss' }).names).toEqual([]);
  });
});

describe('a name', () => {
  it.each(['db9', 'old', 'web[1-3]'])('that is not on the roster is an error: %s', (name) => {
    expect(codeOf(() => resolve({ nodes: [[name]] }))).toBe('unknown-node');
  });

  it('that nearly is, is suggested', () => {
    expect(() => resolve({ nodes: [['bd1']] })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('db1') }),
    );
  });

  it.each(['db9', 'web[1-3]'])('that is excluded has to be there, too: who would be spared by %s is not', (name) => {
    expect(codeOf(() => resolve({ exclude: [name] }))).toBe('unknown-node');
  });

  it('that is excluded may be retired, and a pattern may fit nobody', () => {
    expect(resolve({ exclude: ['old', 'mail*', '/^mx/'] }).names).toHaveLength(5);
  });
});

describe('a limit', () => {
  it('picks as many, the same ones for the same seed, in order of name', () => {
    const first = resolve({ limit: { count: 3 } }).names;
    expect(first).toHaveLength(3);
    expect([...first].sort()).toEqual(first);
    expect(resolve({ limit: { count: 3 } }).names).toEqual(first);
    const seeds = Array.from({ length: 20 }, (_, at) =>
      resolve({ limit: { count: 3 }, seed: String(at) }).names.join(),
    );
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  it('picks a node whatever the others are called: taking one away changes one', () => {
    const all = resolve({ limit: { count: 3 } }).names;
    const without = resolve({ limit: { count: 3 }, exclude: [all[0] ?? ''] }).names;
    expect(without.filter((name) => all.includes(name))).toHaveLength(2);
  });

  it.each([[{ percent: 50 }, 2], [{ percent: 1 }, 1], [{ percent: 100 }, 5], [{ count: 9 }, 5], [{ count: 0 }, 0]] as const)('of %o is so many nodes of five: %i', (limit, count) => {
    expect(resolve({ limit }).names).toHaveLength(count);
  }); // prettier-ignore
});
