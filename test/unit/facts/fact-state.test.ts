import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactStateFile } from '../../../agent/facts/fact-state.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { FakeCollector, Held, storeWith } from './store-under-test.ts';

let folder: string;
let stateFile: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-facts-'));
  stateFile = join(folder, 'facts.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a restart', () => {
  it('has the facts of the last run at once, with their age, and tells nobody of what has not changed', async () => {
    const before = storeWith([new FakeCollector('os', { os: 'debian' })], { stateFile });
    before.folder.collectors = [new FakeCollector('facts.d/role.json', { role: 'db' })];
    before.store.start();
    await before.store.refresh();
    await before.time.advance(10_000);
    await before.store.stop();

    const os = new Held();
    const after = storeWith([new FakeCollector('os', os.answer)], { stateFile });
    after.folder.collectors = [new FakeCollector('facts.d/role.json', { role: 'db' })];
    const told: unknown[] = [];
    after.store.onChange((stable) => told.push(stable));
    await after.time.advance(60_000);
    after.store.start();
    expect(after.store.snapshot().facts).toEqual({ name: 'db1', os: 'debian', role: 'db' });
    expect(after.store.snapshot().collectors).toEqual({ os: { ageMs: 60_000 } });
    expect(await after.store.live()).toMatchObject({ os: 'debian', role: 'db' });
    os.release({ os: 'debian' });
    await after.time.advance(LIMITS.factDebounceMs);
    expect(after.store.snapshot().collectors).toMatchObject({ os: { ageMs: LIMITS.factDebounceMs } });
    expect(told).toEqual([]);
    await after.store.stop();
  });

  it('forgets a file that is gone', async () => {
    const before = storeWith([], { stateFile });
    before.folder.collectors = [new FakeCollector('facts.d/role.json', { role: 'db' })];
    before.store.start();
    await before.store.refresh();
    await before.store.stop();

    const after = storeWith([], { stateFile });
    after.store.start();
    expect(after.store.snapshot().facts).toEqual({ name: 'db1', role: 'db' });
    expect(await after.store.live()).toEqual({ name: 'db1' });
    await after.store.stop();
  });

  it.each([
    ['nothing', ''],
    ['half of it', '{"version":1,"collectors":[{"name":"os","coll'],
    ['another version', '{"version":2,"collectors":[]}'],
    ['what are no facts', '{"version":1,"collectors":[{"name":"os","collectedAt":1,"facts":[]}]}'],
    ['random bytes', '\u0000\ufffd\u0007'],
  ])('begins empty after a file that holds %s, and says so', async (_, text) => {
    await writeFile(stateFile, text);
    const { store } = storeWith([new FakeCollector('os', { os: 'debian' })], { stateFile });
    store.start();
    expect(store.snapshot().facts).toEqual({ name: 'db1' });
    expect(store.problems()).toEqual([{ source: stateFile, reason: 'is damaged: all facts are collected anew' }]);
    await store.refresh();
    expect(store.snapshot().facts).toMatchObject({ os: 'debian' });
    await store.stop();
  });

  it('goes on without a file that it cannot write', async () => {
    const { store, time } = storeWith([new FakeCollector('os', { os: 'debian' })], {
      stateFile: join(folder, 'missing', 'facts.json'),
    });
    store.start();
    await time.advance(LIMITS.factDebounceMs);
    expect(store.snapshot().facts).toMatchObject({ os: 'debian' });
    await store.stop();
  });
});

describe('the state file', () => {
  it('is for the agent alone, whole, and the last of several writes', async () => {
    const file = new FactStateFile(stateFile);
    const write = (at: number): Promise<void> => file.save([{ name: 'os', collectedAt: at, facts: { os: at } }]);
    await Promise.all([write(1), write(2), write(3)]);
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['facts.json']);
    expect(file.load()).toEqual({ collectors: [{ name: 'os', collectedAt: 3, facts: { os: 3 } }] });
  });

  it('keeps hostile keys as they are', async () => {
    const file = new FactStateFile(stateFile);
    const facts = JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, never>;
    await file.save([{ name: 'facts.d/x', collectedAt: 1, facts }]);
    expect(await readFile(stateFile, 'utf8')).toContain('__proto__');
    expect(Object.keys(file.load().collectors[0]?.facts ?? {})).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
  });
});
