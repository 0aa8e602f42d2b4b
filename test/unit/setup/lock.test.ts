import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '../../../deploy/setup/lock.mjs';
import { startChild } from '../../support/child-process.ts';
import { waitFor } from '../../support/wait-for.ts';

const LOCK_MODULE = join(import.meta.dirname, '..', '..', '..', 'deploy', 'setup', 'lock.mjs');

describe('withLock', () => {
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-lock-'));
    path = join(folder, 'setup.lock');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A process that takes the lock, says `in`, and gives it back when its input ends. */
  const holder = (work = 'await new Promise((resolve) => process.stdin.on("end", resolve).resume())') =>
    startChild(process.execPath, [
      '--input-type=module',
      '-e',
      `import { withLock } from '${LOCK_MODULE}';
       await withLock('${path}', async (started) => { console.log('in'); ${work}; console.log('out'); });`,
    ]);

  it('gives back what the work gave, and leaves nothing behind', async () => {
    expect(await withLock(path, async () => 'done')).toBe('done');
    await expect(withLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await readdir(folder)).toEqual([]);
  });

  it('lets one process in at a time', async () => {
    // Each adds one to a number in a file, reading and writing in two steps.
    const counter = join(folder, 'counter');
    await writeFile(counter, '0');
    const add = `const fs = await import('node:fs/promises');
      const was = Number(await fs.readFile('${counter}', 'utf8'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await fs.writeFile('${counter}', String(was + 1))`;
    const all = await Promise.all(Array.from({ length: 5 }, () => holder(add)));
    const codes = await Promise.all(all.map(async (child) => (await child.ended).code));
    expect(codes).toEqual([0, 0, 0, 0, 0]);
    expect(await readFile(counter, 'utf8')).toBe('5');
  });

  it('is taken over from a process that was killed', async () => {
    const first = await holder('console.log(process.pid); await new Promise(() => setInterval(() => {}, 1000))');
    await waitFor(() => first.stdout(), { what: 'the first to have the lock' });
    const second = await holder();
    await waitFor(() => second.stderr().includes(`process ${first.pid}`), { what: 'the second to wait for it' });
    first.kill('SIGKILL');
    expect((await second.ended).code).toBe(0);
    expect(second.stdout()).toBe('in\nout\n');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is held for as long as a program runs that a killed process started', async () => {
    const dead = await startChild('true');
    await dead.ended;
    const program = await startChild('sleep', ['600']);
    await writeFile(path, `${dead.pid} 1\n${program.pid}\n`);
    const waiting = await holder();
    await waitFor(() => waiting.stderr().includes(`process ${program.pid}`), { what: 'it to wait for the program' });
    await program.stop();
    expect((await waiting.ended).code).toBe(0);
  });

  it('is taken over when its number now belongs to another process', async () => {
    await writeFile(path, `${process.pid} 1\n`);
    expect(await withLock(path, async () => 'in')).toBe('in');
  });
});
