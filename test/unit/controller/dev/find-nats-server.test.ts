import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNatsServer } from '../../../../controller/dev/find-nats-server.ts';
import { distributionOf, natsServerHint } from '../../../../controller/dev/nats-server-hint.ts';

describe('findNatsServer', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-find-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A program that answers `-v` with this text; returns its folder. */
  const program = async (place: string, answer: string): Promise<string> => {
    const path = join(folder, place);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'nats-server'), `#!/bin/sh\necho '${answer}'\n`);
    await chmod(join(path, 'nats-server'), 0o755);
    return path;
  };
  const find = (search: Parameters<typeof findNatsServer>[0]) => findNatsServer({ systemFolders: [], ...search });

  it('prefers the named one, then the PATH, then the system folders, then the unpacked one', async () => {
    const named = join(await program('named', 'nats-server: v2.9.1'), 'nats-server');
    const path = [join(folder, 'empty'), await program('path', 'nats-server: v2.9.2')].join(delimiter);
    const systemFolders = [await program('system', 'nats-server: v2.10.3')];
    await program('unpacked/usr/sbin', 'nats-server: v2.11.4');
    const unpacked = join(folder, 'unpacked');

    expect(await find({ explicit: named, path, systemFolders, unpacked })).toEqual({ path: named, version: '2.9.1' });
    expect((await find({ path, systemFolders, unpacked })).version).toBe('2.9.2');
    expect((await find({ path: '', systemFolders, unpacked })).version).toBe('2.10.3');
    expect((await find({ unpacked })).version).toBe('2.11.4');
  });

  it('goes past one that is too old or does not run, and names them if there is no better', async () => {
    const old = await program('old', 'nats-server: v2.8.4');
    const broken = await program('broken', 'no version here');
    const path = [old, broken].join(delimiter);

    expect((await find({ path, systemFolders: [await program('new', 'v3.0.0')] })).version).toBe('3.0.0');
    await expect(find({ path })).rejects.toMatchObject({
      code: 'no-nats-server',
      exit: 2,
      message: `nats-server 2.9 or newer is needed, but ${old}/nats-server is 2.8.4, ${broken}/nats-server does not run`,
    });
  });

  it('never passes over the one that FLEET_NATS_SERVER names', async () => {
    const path = await program('path', 'nats-server: v2.9.2');
    const explicit = join(folder, 'nowhere');
    await expect(find({ explicit, path })).rejects.toThrow(`FLEET_NATS_SERVER names no program: ${explicit}`);
  });

  it('says what to install', async () => {
    await expect(find({})).rejects.toMatchObject({ hint: expect.stringContaining('nats-server') });
  });
});

describe('natsServerHint', () => {
  const linux = (...distribution: string[]) => natsServerHint({ system: 'linux', distribution });

  it('gives the command of each platform, and always the way without a package', () => {
    expect(linux('debian')).toContain('apt-get install');
    expect(linux('linuxmint', 'ubuntu', 'debian')).toContain('apt-get install');
    expect(linux('alpine')).toContain('apk add nats-server');
    expect(linux('arch')).toContain('pacman -S nats-server');
    expect(natsServerHint({ system: 'darwin', distribution: [] })).toContain('brew install nats-server');
    for (const hint of [linux('debian'), linux('fedora'), linux()]) {
      expect(hint).toContain('nats-io/nats-server/releases');
      expect(hint).toContain('FLEET_NATS_SERVER');
    }
  });

  it('knows a distribution by what it is and what it is like', () => {
    expect(distributionOf('NAME="X"\nID=rocky\nID_LIKE="rhel centos fedora"\nVERSION_ID="9"\n')).toEqual([
      'rocky',
      'rhel',
      'centos',
      'fedora',
    ]);
    expect(distributionOf('')).toEqual([]);
  });
});
