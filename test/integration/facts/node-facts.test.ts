/** The collectors on the machine that the tests run on, and runtimes that are shell scripts. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, hostname, release, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFactStore } from '../../../agent/facts/create-fact-store.ts';
import { ruby } from '../../../agent/facts/runtimes/ruby.ts';
import { runtimeCollector } from '../../../agent/facts/runtimes/runtime.ts';
import { systemClock } from '../../../shared/clock.ts';
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Logger } from '../../../shared/logger.ts';

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-facts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the facts of this machine', () => {
  it('are right, typed, small, and live', async () => {
    const store = createFactStore(
      { name: 'here', path: dirname(process.execPath), stateFile: join(folder, 'facts.json') },
      { clock: systemClock, log: silent },
    );
    try {
      store.start();
      await store.refresh();
      const { facts, collectors } = store.snapshot();
      expect(store.problems()).toEqual([]);
      expect(facts).toMatchObject({
        name: 'here',
        hostname: hostname().split('.')[0],
        cpus: cpus().length,
        kernel: { release: release(), major: Number(release().split('.')[0]) },
        os: { family: expect.any(String), name: expect.any(String), architecture: expect.any(String) },
        node: { version: process.versions.node, path: process.execPath },
        uptime: expect.any(Number),
        load: { '1m': expect.any(Number) },
      });
      expect(availableParallelism()).toBeLessThanOrEqual(facts['cpus'] as number);
      expect(facts['memory']).toMatchObject({ total: totalmem() });
      expect(facts['boot']).toEqual({ id: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim() });
      expect(facts['disks']).toEqual(
        expect.arrayContaining([expect.objectContaining({ mount: '/', size: expect.any(Number) })]),
      );
      expect(facts['virtual']).toMatchObject({ kind: expect.stringMatching(/^(physical|vm|container)$/) });
      expect(store.stable()).not.toHaveProperty('load');
      expect(store.stable()).not.toHaveProperty('memory.free');
      expect(encode(facts).length).toBeLessThan(LIMITS.factsBytes / 4);
      for (const state of Object.values(collectors)) expect(state).toMatchObject({ ageMs: expect.any(Number) });
    } finally {
      await store.stop();
    }
  });
});

describe('a runtime', () => {
  const signal = AbortSignal.timeout(20_000);
  const collector = (folders: readonly string[]) =>
    runtimeCollector(ruby, { folders, env: { PATH: '/usr/bin:/bin', SECRET: 'x' } });
  const put = async (path: string, text: string): Promise<void> => {
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
  };

  it('tells its version, patch level and path', async () => {
    await put(
      join(folder, 'ruby'),
      'test "$*" = "-v -e puts RUBY_PATCHLEVEL" && echo "ruby 3.2.2 (2023-03-30 revision e51014f9c0) [x86_64-linux]" && echo 53',
    );
    expect(await collector(['/nowhere', folder]).collect(signal)).toEqual({
      ruby: { version: '3.2.2', patchlevel: 53, engine: 'ruby', path: join(folder, 'ruby') },
    });
  });

  it('that is not installed has no facts', async () => {
    expect(await collector([folder]).collect(signal)).toEqual({});
  });

  it('behind a shim that leads nowhere is found in the next folder', async () => {
    const second = await mkdtemp(join(tmpdir(), 'fleet-facts-'));
    try {
      await put(join(folder, 'ruby'), 'echo "rbenv: ruby: command not found" >&2; exit 127');
      await put(join(second, 'ruby'), 'echo "ruby 3.1.2p20 (2022-04-12) [x86_64-linux]"');
      expect(await collector([folder, second]).collect(signal)).toMatchObject({ ruby: { patchlevel: 20 } });
      await expect(collector([folder]).collect(signal)).rejects.toThrow(
        /doesn't say its version \(exit 127\): rbenv: ruby: command not found/,
      );
    } finally {
      await rm(second, { recursive: true, force: true });
    }
  });
});
