import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { holdLock } from '../../../controller/setup/hold-lock.ts';
import { startChild } from '../../support/child-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const what = 'another test';

it('lets one work at a time, and leaves nothing behind', async () => {
  const folder = temporaryFolder();
  const waits: string[] = [];
  let [inside, most] = [0, 0];
  const work = (): Promise<void> =>
    holdLock(join(folder, 'lock'), { what, onWait: (line) => waits.push(line) }, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    });
  await Promise.all([work(), work(), work()]);
  expect(most).toBe(1);
  expect(waits).toEqual(Array(2).fill(`waiting for another test, process ${process.pid}`));
  expect(readdirSync(folder)).toEqual([]);
});

it('is given back when the work fails', async () => {
  const path = join(temporaryFolder(), 'lock');
  await expect(holdLock(path, { what }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});

it.each(['gone', 'another one by now'])('is taken over from a process that is %s', async (which) => {
  const folder = temporaryFolder();
  const child = await startChild('true');
  await child.ended;
  writeFileSync(join(folder, 'lock'), which === 'gone' ? `${child.pid} 77 abcd` : `${process.pid} 77 abcd`);
  expect(await holdLock(join(folder, 'lock'), { what }, () => Promise.resolve('done'))).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

it('ends waiting at an interrupt, and in the end by itself', async () => {
  const path = join(temporaryFolder(), 'lock');
  const never = new AbortController();
  await holdLock(path, { what }, async () => {
    const onWait = (): void => never.abort(new Error('interrupted'));
    const work = (): Promise<void> => Promise.reject(new Error('not alone'));
    await expect(holdLock(path, { what, signal: never.signal, onWait }, work)).rejects.toThrow('interrupted');
    await expect(holdLock(path, { what, patienceMs: 0 }, work)).rejects.toMatchObject({ code: 'locked' });
  });
  expect(existsSync(path)).toBe(false);
});
