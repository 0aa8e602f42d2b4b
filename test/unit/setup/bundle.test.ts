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
      `export function fail(): never {\n  throw new Error('at its line');\n}\n`,
    );
    // A package in CommonJS that needs what Node has built in.
    await mkdir(join(checkout, 'node_modules/old'), { recursive: true });
    await writeFile(join(checkout, 'node_modules/old/index.js'), `module.exports = require('os').EOL.length;`);
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  const bundled = async (source: string, args: string[] = []) => {
    await writeFile(join(checkout, 'main.ts'), source);
    await bundle(checkout, { program: 'main.ts' });
    return startChild(join(checkout, 'dist/bin/program.js'), args, {
      env: { ...process.env, NODE_OPTIONS: '--enable-source-maps' },
    });
  };

  it.each([
    ['that marks itself as one', '#!/usr/bin/env node\n'],
    ['that does not', ''],
  ])('makes a program of a source %s, with its lines in the stacks', async (_which, first) => {
    const program = await bundled(
      `${first}import old from 'old';\nconsole.log(old);\nconst { fail } = await import('./later.ts');\nfail();\n`,
    );
    expect((await program.ended).code).toBe(1);
    expect(program.stdout()).toBe('1\n');
    expect(program.stderr()).toContain('later.ts:2:9');
    expect(program.stderr()).toMatch(first === '' ? /main\.ts:4:1/ : /main\.ts:5:1/);
  });

  it('leaves what is loaded late in files of its own, and nothing of an earlier build', async () => {
    const program = await bundled(`if (process.argv[2] === 'x') (await import('./later.ts')).fail();`);
    expect((await program.ended).code).toBe(0);
    const files = await readdir(join(checkout, 'dist/bin'), { recursive: true });
    expect(files.filter((file) => file.endsWith('.js')).toSorted()).toEqual([
      expect.stringMatching(/^chunks\/later-/),
      'program.js',
    ]);
    expect((await stat(join(checkout, 'dist/bin/program.js'))).size).toBeLessThan(1_000);
  });
});
