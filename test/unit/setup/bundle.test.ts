import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../../../deploy/setup/bundle.mjs';
import { startChild } from '../../support/child-process.ts';

describe('bundle', () => {
  let checkout = '';
  beforeEach(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'fleet-bundle-'));
    await mkdir(join(checkout, 'dist/bin'), { recursive: true });
    await writeFile(join(checkout, 'dist/bin/left-over.js'), '');
    await writeFile(
      join(checkout, 'later.ts'),
      `export function fail(): never {\n  throw new Error('at its line');\n}\nexport const answer = async () => (await import('node:os')).EOL;\n`,
    );
    // A package in CommonJS that needs what Node has built in.
    await mkdir(join(checkout, 'node_modules/old'), { recursive: true });
    await writeFile(join(checkout, 'node_modules/old/index.js'), `module.exports = require('os').EOL.length;`);
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  const bundled = async (source: string, options = '') => {
    await writeFile(join(checkout, 'main.ts'), source);
    await bundle(checkout, { program: 'main.ts' }, { 'later.ts': ['fail', 'answer'] });
    return start(options);
  };
  const start = (options: string) =>
    startChild(join(checkout, 'dist/bin/program.js'), [], { env: { ...process.env, NODE_OPTIONS: options } });
  const files = async () => (await readdir(join(checkout, 'dist/bin'))).toSorted();

  it.each([
    ['that marks itself as one', '#!/usr/bin/env node\n'],
    ['that does not', ''],
  ])('makes a program of a source %s, with its lines in the stacks', async (_which, first) => {
    const program = await bundled(
      `${first}import old from 'old';\nconsole.log(old);\nvoid import('./later.ts').then(({ fail }) =>\n  fail());\n`,
      '--enable-source-maps',
    );
    expect((await program.ended).code).toBe(1);
    expect(program.stdout()).toBe('1\n');
    expect(program.stderr()).toContain('later.ts:2:9');
    expect(program.stderr()).toMatch(first === '' ? /main\.ts:4:3/ : /main\.ts:5:3/);
  });

  it('leaves what is loaded late in a file of its own, and nothing of an earlier build', async () => {
    const program = await bundled(`if (process.argv[2] === 'x') void import('./later.ts').then(({ fail }) => fail());`);
    expect((await program.ended).code).toBe(0);
    expect((await files()).filter((file) => file.endsWith('.js'))).toEqual([
      expect.stringMatching(/^later-\w+\.js$/),
      'program.js',
    ]);
    expect((await stat(join(checkout, 'dist/bin/program.js'))).size).toBeLessThan(5_000);
  });

  it('keeps the compiled form of what was loaded late, and takes no other for it', async () => {
    const program = await bundled(
      `void import('./later.ts').then(async ({ answer }) => console.log([await answer()]));`,
    );
    expect((await program.ended).code).toBe(0);
    expect(program.stdout()).toBe("[ '\\n' ]\n");
    const kept = (await files()).filter((file) => file.endsWith('.cache'));
    expect(kept).toEqual([expect.stringMatching(/^later-\w+\.js\..*\.cache$/)]);

    for (const content of ['', 'not what V8 wrote']) {
      await writeFile(join(checkout, 'dist/bin', kept[0] ?? ''), content);
      const again = await start('');
      expect((await again.ended).code).toBe(0);
      expect(again.stdout()).toBe("[ '\\n' ]\n");
      // Written again.
      expect((await stat(join(checkout, 'dist/bin', kept[0] ?? ''))).size).toBeGreaterThan(100);
    }
  });
});
