import { expect, it, vi } from 'vitest';
import type { RunnableAction } from '../../../agent/actions/action.ts';
import { createEmulation, isFlapping, type Misbehavior } from '../../../agent/emulate/emulation.ts';
import { assertEnoughFiles } from '../../../controller/emulate/open-files.ts';

const NONE: Misbehavior = { latencyMs: [0, 0], failure: 0, silence: 0, flapping: 0 };
const emulate = (misbehavior: Partial<Misbehavior>, node = 'em1', random?: () => number) =>
  createEmulation({ node, seed: '1', facts: { role: 'db' }, misbehavior: { ...NONE, ...misbehavior }, ...(random && { random }) }); // prettier-ignore
const names = Array.from({ length: 400 }, (_, at) => `em${at}`);

it('hands on what comes at once, unless it was told otherwise', () => {
  let heard = 0;
  emulate({}).deliver(() => heard++);
  expect(heard).toBe(1);
});

it('a share of the nodes hears nothing, the same ones for the same seed', () => {
  const silent = (): string[] =>
    names.filter((node) => {
      let heard = false;
      emulate({ silence: 0.25 }, node).deliver(() => (heard = true));
      return !heard;
    });
  expect(silent()).toEqual(silent());
  expect(silent().length).toBeGreaterThan(60);
  expect(silent().length).toBeLessThan(140);
});

it('each hears with a delay of its own', () => {
  vi.useFakeTimers();
  try {
    const delays = names.slice(0, 50).map((node) => {
      const started = Date.now();
      let at = -1;
      emulate({ latencyMs: [5, 80] }, node).deliver(() => (at = Date.now() - started));
      vi.runAllTimers();
      return at;
    });
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...delays)).toBeLessThanOrEqual(80);
    expect(new Set(delays).size).toBeGreaterThan(10);
  } finally {
    vi.useRealTimers();
  }
});

it('a share of what is asked fails, and did not run', async () => {
  let runs = 0;
  const ping = { definition: { name: 'ping' }, run: () => Promise.resolve({ state: 'ok' as const, data: ++runs }) };
  const offered = new Map([['ping', ping as unknown as RunnableAction]]);
  const drawn = [0.1, 0.9];
  const action = emulate({ failure: 0.5 }, 'em1', () => drawn.shift() ?? 1)
    .actions(offered)
    .get('ping');
  expect(await action?.run({}, {} as never)).toMatchObject({ state: 'failed', code: 'emulated' });
  expect(await action?.run({}, {} as never)).toMatchObject({ state: 'ok', data: 1 });
});

it('a share of the nodes comes and goes', () => {
  const flapping = names.filter((node) => isFlapping({ node, seed: '1', facts: {}, misbehavior: { ...NONE, flapping: 0.1 } })); // prettier-ignore
  expect(flapping.length).toBeGreaterThan(15);
  expect(flapping.length).toBeLessThan(80);
});

it('says which limit is in the way, and how to raise it, before any node is started', () => {
  expect(() => assertEnoughFiles(5_000, 1_024)).toThrow('a process that holds 5000 nodes needs 25200 open files, and may have 1024'); // prettier-ignore
  expect(() => assertEnoughFiles(100, 1_024)).not.toThrow();
  expect(() => assertEnoughFiles(5_000, undefined)).not.toThrow();
});
