import { describe, expect, it } from 'vitest';
import { assembleFacts, type FactLayers } from '../../../agent/facts/fact-document.ts';
import { toFacts } from '../../../agent/facts/fact-value.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { factBytes } from '../../../agent/facts/fact-size.ts';

const NONE: FactLayers = {
  fixed: { name: 'db1' },
  builtIn: [],
  owned: new Set(),
  volatile: [],
  folder: [],
  settings: {},
};
const BUILT_IN: Partial<FactLayers> = {
  builtIn: [{ memory: { total: 8, free: 2 } }, { ruby: { version: '3.1.2', path: '/usr/bin/ruby' } }],
  owned: new Set(['memory', 'ruby', 'php']),
  volatile: ['memory.free'],
};
const file = (facts: object, source = 'facts.d/a.json', isVolatile = false): FactLayers['folder'][number] => ({
  source,
  facts: toFacts(facts),
  isVolatile,
});

describe('who wins', () => {
  it('a built-in collector over facts.d, even for a fact that it has not found', () => {
    const { facts, problems } = assembleFacts({
      ...NONE,
      ...BUILT_IN,
      folder: [file({ ruby: { version: '9' }, php: 'mine', role: 'db' })],
    });
    expect(facts).toMatchObject({ ruby: { version: '3.1.2' }, role: 'db' });
    expect(facts).not.toHaveProperty('php');
    expect(problems).toEqual([
      { source: 'facts.d/a.json', reason: expect.stringContaining('sets "ruby", which a built-in collector sets') },
      { source: 'facts.d/a.json', reason: expect.stringContaining('sets "php"') },
    ]);
  });

  it('settings over a built-in collector, key by key', () => {
    const settings = { role: 'rails', ruby: { version: '3.2.2', patchlevel: 53 } };
    const { facts, problems } = assembleFacts({ ...NONE, ...BUILT_IN, settings, folder: [file({ role: 'db' })] });
    expect(facts).toMatchObject({ role: 'rails', ruby: { version: '3.2.2', patchlevel: 53, path: '/usr/bin/ruby' } });
    expect(problems).toEqual([]);
  });

  it('the later file of facts.d over the earlier', () => {
    const folder = [file({ app: { a: 1, b: 1 } }, '10.json'), file({ app: { b: 2 } }, '20.json')];
    expect(assembleFacts({ ...NONE, folder }).facts).toMatchObject({ app: { a: 1, b: 2 } });
  });

  it('nobody over the name and the trusted facts', () => {
    const theft = { name: 'other', trusted: { role: 'admin' } };
    const { facts, problems } = assembleFacts({
      ...NONE,
      fixed: { name: 'db1', trusted: { role: 'db' } },
      settings: theft,
      folder: [file(theft)],
    });
    expect(facts).toEqual({ name: 'db1', trusted: { role: 'db' } });
    expect(problems.map(({ source }) => source)).toEqual(['facts.d/a.json', 'facts.d/a.json', 'settings', 'settings']);
    expect(assembleFacts({ ...NONE, settings: theft }).facts).toEqual({ name: 'db1' });
  });
});

describe('what changes by the minute', () => {
  it('is not in the stable facts', () => {
    const { facts, stable, volatile } = assembleFacts({ ...NONE, ...BUILT_IN });
    expect(facts).toMatchObject({ memory: { total: 8, free: 2 } });
    expect(stable['memory']).toEqual({ total: 8 });
    expect(volatile).toEqual(['memory.free']);
  });

  it('is what a volatile file says, path by path', () => {
    const folder = [
      file({ app: { version: 3 } }),
      file({ app: { 'queue.length': 7 }, visitors: 12 }, 'app.volatile.sh', true),
    ];
    const { stable, volatile } = assembleFacts({ ...NONE, folder });
    expect(stable).toEqual({ name: 'db1', app: { version: 3 } });
    expect(volatile).toEqual(['app."queue.length"', 'visitors']);
  });

  it('is not what the settings have fixed', () => {
    const { stable, volatile } = assembleFacts({ ...NONE, ...BUILT_IN, settings: { memory: { free: 5 } } });
    expect(stable['memory']).toEqual({ total: 8, free: 5 });
    expect(volatile).toEqual([]);
  });
});

describe('what is too large', () => {
  it('loses its largest custom facts first, and says so', () => {
    const folder = [
      file({ huge: 'x'.repeat(LIMITS.factsBytes), small: 1, big: 'y'.repeat(1000) }),
      file({ large: 'z'.repeat(LIMITS.factsBytes - 1000) }),
    ];
    const { facts, stable, problems } = assembleFacts({ ...NONE, ...BUILT_IN, folder });
    expect(Object.keys(facts).toSorted()).toEqual(['big', 'memory', 'name', 'ruby', 'small']);
    expect(stable).not.toHaveProperty('huge');
    expect(problems.map(({ source }) => source)).toEqual(['fact huge', 'fact large']);
    expect(factBytes(facts)).toBeLessThanOrEqual(LIMITS.factsBytes);
  });

  it('keeps what just fits', () => {
    const { facts, problems } = assembleFacts({ ...NONE, folder: [file({ a: 'x'.repeat(LIMITS.factsBytes - 50) })] });
    expect(facts).toHaveProperty('a');
    expect(problems).toEqual([]);
  });
});

it('hands out what nobody can change, and takes hostile keys as they are', () => {
  const folder = [file(JSON.parse('{"__proto__": {"polluted": 1}}') as object)];
  const { facts } = assembleFacts({ ...NONE, folder });
  expect(Object.keys(facts)).toEqual(['__proto__', 'name']);
  expect(Object.isFrozen(facts)).toBe(true);
  expect('polluted' in {}).toBe(false);
});
