import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, isBuilt } from '../../../deploy/setup/build.mjs';
import { areProgramsLinked, linkPrograms } from '../../../deploy/setup/link-programs.mjs';
import { startChild } from '../../support/child-process.ts';

const REAL = resolve(import.meta.dirname, '..', '..', '..');
const MAIN = `/** A program. */\nimport { WORD } from '../shared/word.ts';\n\nconsole.log(WORD, process.argv.slice(2).join());\n`;

describe('build', () => {
  let checkout = '';
  beforeEach(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'fleet-build-'));
    for (const folder of ['shared', 'agent', 'controller']) {
      await mkdir(join(checkout, folder));
      await copyFile(join(REAL, folder, 'tsconfig.json'), join(checkout, folder, 'tsconfig.json'));
    }
    await mkdir(join(checkout, 'deploy/setup'), { recursive: true });
    for (const file of ['tsconfig.json', 'package.json', 'package-lock.json']) {
      await copyFile(join(REAL, file), join(checkout, file));
    }
    await mkdir(join(checkout, 'node_modules/.bin'), { recursive: true });
    await symlink(join(REAL, 'node_modules/@types'), join(checkout, 'node_modules/@types'));
    await symlink(join(REAL, 'node_modules/.bin/tsc'), join(checkout, 'node_modules/.bin/tsc'));
    await writeFile(join(checkout, 'shared/word.ts'), `export const WORD = 'first';\n`);
    await writeFile(join(checkout, 'agent/main.ts'), MAIN);
    await mkdir(join(checkout, 'agent/runner'));
    await writeFile(join(checkout, 'agent/runner/main.ts'), MAIN.replace('../', '../../'));
    await writeFile(join(checkout, 'controller/main.ts'), MAIN);
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  const changeWord = (text: string): Promise<void> => writeFile(join(checkout, 'shared/word.ts'), text);

  it('is current until a source changes, and is made again then', async () => {
    expect(await isBuilt(checkout)).toBe(false);
    await build(checkout);
    expect(await isBuilt(checkout)).toBe(true);

    await changeWord(`export const WORD = 'second';\n`);
    expect(await isBuilt(checkout)).toBe(false);
    await build(checkout);
    const program = await startChild(join(checkout, 'dist/bin/fleet.js'));
    await program.ended;
    expect(program.stdout()).toBe('second \n');
  });

  it('is not current after one that failed, and says what the compiler said', async () => {
    await build(checkout);
    const broken = `export const WORD: number = 'text';\n`;
    await changeWord(broken);
    await expect(build(checkout)).rejects.toThrow(/shared\/word\.ts\(1,14\): error TS2322/);
    expect(await isBuilt(checkout)).toBe(false);
  });

  it('gives npx the programs of the checkout', async () => {
    await build(checkout);
    expect(await areProgramsLinked(checkout, ['fleet', 'fleet-agent'])).toBe(false);
    await linkPrograms(checkout, ['fleet', 'fleet-agent']);
    expect(await areProgramsLinked(checkout, ['fleet', 'fleet-agent'])).toBe(true);

    const program = await startChild('npx', ['--no-install', 'fleet', 'one', '--two'], { cwd: checkout });
    expect([(await program.ended).code, program.stdout()]).toEqual([0, 'first one,--two\n']);
  });
});
