import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arePackagesInstalled } from '../../../deploy/setup/packages.mjs';

const OTHER_SYSTEM = process.platform === 'win32' ? 'linux' : 'win32';

describe('arePackagesInstalled', () => {
  let checkout = '';
  beforeEach(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'fleet-setup-'));
    await mkdir(join(checkout, 'node_modules'));
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  const write = (file: string, packages: object): Promise<void> =>
    writeFile(join(checkout, file), JSON.stringify({ lockfileVersion: 3, packages }));
  const lock = (packages: object) => write('package-lock.json', { '': { name: 'fleet' }, ...packages });
  const install = (packages: object) => write('node_modules/.package-lock.json', packages);

  const A = { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };
  const B = { 'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', optional: true, os: [OTHER_SYSTEM] } };

  it('holds when what npm noted last agrees with the lock', async () => {
    await lock({ ...A, ...B });
    await install(A);
    expect(await arePackagesInstalled(checkout)).toBe(true);
  });

  it.each<[string, object | undefined]>([
    ['npm never finished', undefined],
    ['a package is missing', {}],
    ['a package has another version', { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } }],
    ['a package has other content', { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-x' } }],
    ['there is one that the lock does not have', { ...A, 'node_modules/c': { version: '1.0.0' } }],
    ['the tree is from another platform', { ...A, ...B }],
  ])('does not hold when %s', async (_why, installed) => {
    await lock({ ...A, ...B });
    if (installed) await install(installed);
    expect(await arePackagesInstalled(checkout)).toBe(false);
  });

  it('does not hold when the note was cut short', async () => {
    await lock(A);
    await writeFile(join(checkout, 'node_modules/.package-lock.json'), '{"packages": {"node_mod');
    expect(await arePackagesInstalled(checkout)).toBe(false);
  });
});
