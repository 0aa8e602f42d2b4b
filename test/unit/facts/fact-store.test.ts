import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { settled } from './fake-time.ts';
import { FakeCollector, Held, storeWith } from './store-under-test.ts';

const HOUR_MS = 60 * 60_000;

describe('collecting in the background', () => {
  it('starts without waiting, and repeats each collector at its pace', async () => {
    const os = new FakeCollector('os', { os: { name: 'debian' } });
    const { store, time } = storeWith([os]);
    store.start();
    expect(store.snapshot().facts).toEqual({ name: 'db1' });
    await settled();
    expect(store.snapshot().facts).toEqual({ name: 'db1', os: { name: 'debian' } });
    await time.advance(59_000);
    expect(os.asked).toBe(1);
    await time.advance(1_000);
    expect(os.asked).toBe(2);
    await store.stop();
  });

  it('keeps one timer for all, and none after its stop', async () => {
    const collectors = ['a', 'b', 'c'].map((name) => new FakeCollector(name, { [name]: 1 }));
    const { store, time } = storeWith(collectors);
    store.start();
    await time.advance(LIMITS.factDebounceMs);
    expect(time.pendingTimers).toBe(1);
    await store.stop();
    expect(time.pendingTimers).toBe(0);
    await time.advance(HOUR_MS);
    expect(collectors.map(({ asked }) => asked)).toEqual([1, 1, 1]);
  });

  it('runs two built-in programs at once, while those of facts.d have places of their own', async () => {
    const held = ['a', 'b', 'c'].map(() => new Held());
    const programs = held.map(({ answer }, at) => new FakeCollector(`p${at}`, answer, { spawns: true }));
    const { store, folder } = storeWith(programs);
    folder.collectors = [new FakeCollector('facts.d/x', { x: 1 }, { spawns: true })];
    store.start();
    await settled();
    expect(programs.map(({ asked }) => asked)).toEqual([1, 1, 0]);
    expect(store.snapshot().facts).toMatchObject({ x: 1 });
    held[0]?.release({ p0: 1 });
    await settled();
    expect(programs.map(({ asked }) => asked)).toEqual([1, 1, 1]);
    await store.stop();
  });

  it('says the age of each, and how long it took', async () => {
    const held = new Held();
    const { store, time } = storeWith([
      new FakeCollector('slow', held.answer),
      new FakeCollector('quick', { quick: 1 }),
    ]);
    store.start();
    await time.advance(300);
    expect(store.snapshot().collectors).toEqual({ slow: {}, quick: { ageMs: 300, tookMs: 0 } });
    held.release({ slow: 1 });
    await time.advance(200);
    expect(store.snapshot().collectors).toEqual({
      slow: { ageMs: 200, tookMs: 300 },
      quick: { ageMs: 500, tookMs: 0 },
    });
    await store.stop();
  });
});

describe('a snapshot', () => {
  it('is the same frozen object until something changes', async () => {
    const os = new FakeCollector('os', { os: 'a' });
    const { store } = storeWith([os]);
    store.start();
    await settled();
    const before = store.snapshot();
    expect(Object.isFrozen(before)).toBe(true);
    await store.refresh();
    expect(store.snapshot()).toBe(before);
    os.answer = () => Promise.resolve({ os: 'b' });
    await store.refresh();
    expect(store.snapshot()).not.toBe(before);
    expect(before.facts['os']).toBe('a');
    await store.stop();
  });
});

describe('a broken collector', () => {
  it.each([
    ['rejects', () => Promise.reject(new Error('no such device'))],
    [
      'throws',
      () => {
        throw new Error('no such device');
      },
    ],
    ['returns what is no map', () => Promise.resolve('x' as never)],
  ])('that %s is a problem, and nothing more', async (_, answer) => {
    const { store } = storeWith([new FakeCollector('bad', answer), new FakeCollector('good', { good: 1 })]);
    store.start();
    await store.refresh();
    await store.live();
    expect(store.snapshot().facts).toMatchObject({ good: 1 });
    expect(store.problems()).toEqual([{ source: 'bad', reason: expect.any(String) }]);
    await store.stop();
  });

  it('keeps its last facts for an hour, is tried again each minute, and recovers', async () => {
    const os = new FakeCollector('os', { os: 'old' });
    const { store, time } = storeWith([os]);
    store.start();
    await settled();
    os.answer = () => Promise.reject(new Error('broken'));
    await time.advance(HOUR_MS - 60_000);
    expect(store.snapshot().facts['os']).toBe('old');
    expect(store.snapshot().collectors['os']).toMatchObject({ ageMs: HOUR_MS - 60_000, error: 'broken' });
    await time.advance(3 * 60_000);
    expect(store.snapshot().facts).not.toHaveProperty('os');
    os.answer = () => Promise.resolve({ os: 'new' });
    await time.advance(60_000);
    expect(store.snapshot().facts['os']).toBe('new');
    expect(store.problems()).toEqual([]);
    await store.stop();
  });

  it('that is slow is told to stop, and reported', async () => {
    const slow = new FakeCollector('slow', new Held().answer);
    const { store, time } = storeWith([slow]);
    store.start();
    await time.advance(5_000);
    expect(slow.signal?.aborted).toBe(true);
    expect(store.problems()).toEqual([{ source: 'slow', reason: 'took longer than 5000 ms' }]);
    await store.stop();
  });

  it('that does not return even then is not begun a second time until it does', async () => {
    const held = new Held();
    const slow = new FakeCollector('slow', held.answer);
    const { store, time } = storeWith([slow]);
    store.start();
    await time.advance(10 * 60_000);
    expect(slow.asked).toBe(1);
    held.release({ slow: 'late' });
    slow.answer = () => Promise.resolve({ slow: 'anew' });
    await time.advance(2 * 60_000);
    expect(store.snapshot().facts['slow']).toBe('anew');
    await store.stop();
  });
});

describe('refreshing', () => {
  it('joins the collection that is under way', async () => {
    const held = new Held();
    const os = new FakeCollector('os', held.answer);
    const { store } = storeWith([os]);
    store.start();
    const both = Promise.all([store.refresh(), store.refresh()]);
    await settled();
    held.release({ os: 1 });
    await both;
    expect(os.asked).toBe(1);
    await store.stop();
  });

  it('can be for some collectors, by their name or by their facts, or for volatile ones', async () => {
    const network = new FakeCollector('network', { ip: '10.0.0.1' }, { owns: ['network', 'ip'] });
    const memory = new FakeCollector('memory', { memory: { free: 1 } }, { volatile: ['memory.free'] });
    const queue = new FakeCollector('facts.d/queue.volatile', { queue: 3 }, { isVolatile: true });
    const { store, folder } = storeWith([network, memory]);
    folder.collectors = [queue];
    store.start();
    await store.refresh();
    const asked = (): number[] => [network.asked, memory.asked, queue.asked];
    const [first] = [asked()];
    const since = (): number[] => asked().map((count, at) => count - (first[at] ?? 0));
    await store.refresh({ only: ['ip'] });
    expect(since()).toEqual([1, 0, 0]);
    await store.refresh({ only: ['network', 'facts.d/queue.volatile'] });
    expect(since()).toEqual([2, 0, 1]);
    await store.refresh({ only: ['queue'] });
    expect(since()).toEqual([2, 0, 2]);
    await store.refresh({ volatileOnly: true });
    expect(since()).toEqual([2, 1, 3]);
    await store.stop();
  });
});

describe('live facts', () => {
  const memoryOf = (free: number): { memory: { free: number } } => ({ memory: { free } });

  it('collect what is volatile and older than a second, and nothing else', async () => {
    const os = new FakeCollector('os', { os: 1 });
    const memory = new FakeCollector('memory', memoryOf(1), { volatile: ['memory.free'] });
    const { store, time } = storeWith([os, memory]);
    store.start();
    await time.advance(900);
    memory.answer = () => Promise.resolve(memoryOf(2));
    expect(await store.live()).toMatchObject(memoryOf(1));
    await time.advance(200);
    expect(await store.live(['os'])).toMatchObject(memoryOf(1));
    expect(await store.live(['memory.free'])).toMatchObject(memoryOf(2));
    expect([os.asked, memory.asked]).toEqual([1, 2]);
    await store.stop();
  });

  it.each([[['ruby.version']], [['*.version']], [undefined]])('wait for a first collection (%j)', async (paths) => {
    const held = new Held();
    const { store, time } = storeWith([new FakeCollector('ruby', held.answer)]);
    store.start();
    const live = store.live(paths);
    await time.advance(400);
    held.release({ ruby: { version: '3.2.2' } });
    expect(await live).toMatchObject({ ruby: { version: '3.2.2' } });
    await store.stop();
  });

  it('do not wait for what the command is not about', async () => {
    const { store } = storeWith([new FakeCollector('ruby', new Held().answer), new FakeCollector('os', { os: 1 })]);
    store.start();
    expect(await store.live(['os.name'])).toMatchObject({ os: 1 });
    await store.stop();
  });

  it('wait no longer than their bound, nor than the caller, nor at all once the agent runs for a while', async () => {
    const { store, time } = storeWith([new FakeCollector('ruby', new Held().answer)]);
    store.start();
    const bounded = store.live();
    await time.advance(LIMITS.factLiveWaitMs);
    expect(await bounded).toEqual({ name: 'db1' });

    const abort = new AbortController();
    const given = store.live(undefined, abort.signal);
    await settled();
    abort.abort();
    expect(await given).toEqual({ name: 'db1' });

    await time.advance(LIMITS.factFirstWaitMs);
    expect(await store.live()).toEqual({ name: 'db1' });
    await store.stop();
  });

  it('do not wait again for a volatile fact that was slower than the bound', async () => {
    const held = new Held();
    const queue = new FakeCollector('facts.d/queue.volatile', held.answer, { isVolatile: true });
    const { store, time, folder } = storeWith([]);
    folder.collectors = [queue];
    store.start();
    await time.advance(3_000);
    held.release({ queue: 1 });
    await time.advance(2_000);
    expect(await store.live(['queue'])).toMatchObject({ queue: 1 });
    expect(queue.asked).toBe(2);
    await store.stop();
  });
});

describe('a change', () => {
  it('is told once, after a while, and only when the stable facts are others', async () => {
    const os = new FakeCollector('os', { os: 'a' });
    const memory = new FakeCollector('memory', { memory: { total: 8, free: 1 } }, { volatile: ['memory.free'] });
    const { store, time } = storeWith([os, memory]);
    const told: unknown[] = [];
    store.onChange((stable) => told.push(stable));
    store.start();
    await settled();
    expect(told).toEqual([]);
    await time.advance(LIMITS.factDebounceMs);
    expect(told).toEqual([{ name: 'db1', os: 'a', memory: { total: 8 } }]);
    expect(told[0]).toBe(store.stable());

    memory.answer = () => Promise.resolve({ memory: { free: 2, total: 8 } });
    await store.refresh();
    await time.advance(LIMITS.factDebounceMs);
    expect(told).toHaveLength(1);

    os.answer = () => Promise.resolve({ os: 'b' });
    await store.refresh();
    os.answer = () => Promise.resolve({ os: 'a' });
    await store.refresh();
    await time.advance(LIMITS.factDebounceMs);
    expect(told).toHaveLength(1);
    await store.stop();
  });

  it('is not told to who has left, and a listener that throws does not keep it from the others', async () => {
    const os = new FakeCollector('os', { os: 'a' });
    const { store, time } = storeWith([os]);
    const told: string[] = [];
    store.onChange(() => told.push('left'))();
    store.onChange(() => {
      throw new Error('mine');
    });
    store.onChange(() => told.push('stayed'));
    store.start();
    await time.advance(LIMITS.factDebounceMs);
    expect(told).toEqual(['stayed']);
    await store.stop();
  });
});

describe('files of facts.d', () => {
  it('come, change and go', async () => {
    const { store, time, folder } = storeWith([]);
    const role = new FakeCollector('facts.d/role.json', { role: 'db' });
    folder.collectors = [role];
    store.start();
    await time.advance(1_000);
    expect(store.snapshot().facts).toMatchObject({ role: 'db' });

    const broken = new FakeCollector('facts.d/role.json', () => Promise.reject(new Error("isn't valid JSON")));
    broken.identity = '2';
    folder.collectors = [broken];
    await time.advance(60_000);
    expect(store.snapshot().facts).toMatchObject({ role: 'db' });
    expect(store.problems()).toEqual([{ source: '/etc/fleet/facts.d/role.json', reason: "isn't valid JSON" }]);

    folder.collectors = [];
    folder.problems = [{ source: '/etc/fleet/facts.d/role.json', reason: 'may be written by others' }];
    await time.advance(60_000);
    expect(store.snapshot().facts).toEqual({ name: 'db1' });
    expect(store.problems()).toEqual(folder.problems);
    await store.stop();
  });

  it('are waited for right after the start', async () => {
    const { store, folder } = storeWith([]);
    folder.collectors = [new FakeCollector('facts.d/role.json', { role: 'db' })];
    store.start();
    expect(await store.live(['role'])).toMatchObject({ role: 'db' });
    await store.stop();
  });
});

describe('facts given by others', () => {
  it('are there before anything was collected', () => {
    const { store } = storeWith([], { settings: { role: 'db' }, trusted: { zone: 'a' } });
    expect(store.snapshot().facts).toEqual({ name: 'db1', role: 'db', trusted: { zone: 'a' } });
  });

  it('must be facts', () => {
    expect(() => storeWith([], { settings: { when: new Date(0) } })).toThrow("isn't a map");
  });
});

describe('its life', () => {
  it('starts once, and stops while a collector hangs', async () => {
    const slow = new FakeCollector('slow', new Held().answer);
    const { store } = storeWith([slow]);
    store.start();
    expect(() => store.start()).toThrow('started before');
    await settled();
    await store.stop();
    await store.stop();
    expect(slow.signal?.aborted).toBe(true);
    await store.refresh();
    expect(slow.asked).toBe(1);
  });
});

describe('a fact that is not there', () => {
  it('may be lacking while nothing was collected, and as long as what could set it says nothing', async () => {
    const broken = (): Promise<never> => Promise.reject(new Error('broken'));
    const { store, folder } = storeWith([new FakeCollector('os', { os: {} }), new FakeCollector('cpu', broken)]);
    folder.collectors = [new FakeCollector('facts.d/labels', { labels: {} })];
    expect(store.mayLack('os.family')).toBe(true);
    store.start();
    await settled();
    expect(['os.family', 'env', 'labels.env'].map((path) => store.mayLack(path))).toEqual([false, false, false]);
    expect(['cpu.count', '*.count'].map((path) => store.mayLack(path))).toEqual([true, true]);

    folder.collectors = [new FakeCollector('facts.d/other', broken)];
    await store.refresh();
    expect(['os.family', 'env'].map((path) => store.mayLack(path))).toEqual([false, true]);
    await store.stop();
  });
});
