import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TaskStore } from '../../../agent/tasks/task-store.ts';

let folder: string;
let store: TaskStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-tasks-'));
  store = new TaskStore({ folder });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(name: string, text: string, mode = 0o644): Promise<void> {
  await writeFile(join(folder, name), text);
  await chmod(join(folder, name), mode);
}
async function names(): Promise<string[]> {
  return (await store.list()).map((task) => task.name);
}

test('lists tasks by name, and passes over files that are none', async () => {
  await put('b.yaml', 'argv: [ls]');
  await put('a.yml', 'argv: [ls]');
  await put('.hidden.yaml', 'argv: [ls]');
  await put('README', 'x');
  expect(await names()).toEqual(['a', 'b']);
  expect(await store.problems()).toEqual([]);
  expect(await store.get('a')).toMatchObject({ name: 'a' });
  expect(await store.get('toString')).toBeUndefined();
});

test('has no tasks, and no problem, where there is no folder', async () => {
  store = new TaskStore({ folder: join(folder, 'none') });
  expect([await store.list(), await store.problems()]).toEqual([[], []]);
});

test('sees files that change, come and go', async () => {
  await put('a.yaml', 'argv: [ls]');
  const first = await store.hash();
  expect(await store.hash()).toBe(first);
  await put('a.yaml', 'argv: [ls]\ndescription: lists');
  const second = await store.hash();
  expect(second).not.toBe(first);
  await put('b.yaml', 'argv: [ls]');
  expect(await names()).toEqual(['a', 'b']);
  await unlink(join(folder, 'a.yaml'));
  expect(await names()).toEqual(['b']);
});

test('reads an unchanged file once', async () => {
  await put('a.yaml', 'argv: [ls]');
  expect(await store.get('a')).toBe(await store.get('a'));
});

test('reports bad files with their line, and keeps the others', async () => {
  await put('bad.yaml', 'argv: [ls]\nnonsense: 1');
  await put('good.yaml', 'argv: [ls]');
  expect(await names()).toEqual(['good']);
  expect(await store.problems()).toEqual([
    { source: `${join(folder, 'bad.yaml')}:2`, reason: 'nonsense: is not known here' },
  ]);
});

test('reports the second file that has a name already', async () => {
  await put('a.yaml', 'argv: [ls]');
  await put('b.yaml', 'argv: [rm]\nname: a');
  expect(await store.get('a')).toMatchObject({ argv: [[{ text: 'ls' }]] });
  expect(await store.problems()).toEqual([
    { source: join(folder, 'b.yaml'), reason: 'there is a task a already, in a.yaml' },
  ]);
});

test.each([0o664, 0o646, 0o666])('refuses a file that others may write (%o), until that is mended', async (mode) => {
  await put('a.yaml', 'argv: [ls]', mode);
  expect(await names()).toEqual([]);
  expect((await store.problems())[0]?.reason).toContain('chmod go-w');
  await chmod(join(folder, 'a.yaml'), 0o644);
  expect(await names()).toEqual(['a']);
});

test('refuses a folder that others may write', async () => {
  await put('a.yaml', 'argv: [ls]');
  await chmod(folder, 0o777);
  expect(await names()).toEqual([]);
  expect(await store.problems()).toEqual([{ source: folder, reason: expect.stringContaining('chmod') as string }]);
});

test.skipIf(process.getuid?.() !== 0)('refuses a file of somebody else (needs root)', async () => {
  await put('a.yaml', 'argv: [ls]');
  await chown(join(folder, 'a.yaml'), 65534, 65534);
  expect(await names()).toEqual([]);
  expect((await store.problems())[0]?.reason).toContain('belongs to user 65534');
  expect(await new TaskStore({ folder, ownUid: 65534 }).list()).toHaveLength(1);
});

test('is not held up by what is no file', async () => {
  await mkdir(join(folder, 'folder.yaml'));
  spawnSync('mkfifo', ['-m', '644', join(folder, 'pipe.yaml')]);
  await put('big.yaml', `argv: [ls]\n#${'x'.repeat(70_000)}`);
  await put('good.yaml', 'argv: [ls]');
  expect(await names()).toEqual(['good']);
  expect((await store.problems()).map((problem) => problem.reason)).toEqual([
    'is larger than 65536 bytes',
    'is not a file',
    'is not a file',
  ]);
});
