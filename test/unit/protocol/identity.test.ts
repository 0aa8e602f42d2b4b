import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readIdentity, writeIdentity } from '../../../shared/identity.ts';
import { createBoxKeys, createLoginKeys, createSignKeys } from '../../../shared/keys.ts';
import { readPrivateFile } from '../../../shared/private-file.ts';
import { readSettings } from '../../../shared/settings-file.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { codeOf, codeOfAsync } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fleet = new FleetMaterial();
const node = await fleet.node('db1');
const login = createLoginKeys();
const keys = { signSeed: node.signSeed, boxSecret: node.boxSecret, loginSeed: login.seed, loginJwt: 'e30.e30.c2ln' };

function identityFile(): string {
  const path = join(temporaryFolder(), 'identity.json');
  writeIdentity(path, 'main', [fleet.root.publicKey], node.credential, keys);
  return path;
}

describe('keys', () => {
  it('are made anew each time, of the lengths that the protocol has', () => {
    const [sign, box] = [createSignKeys(), createBoxKeys()];
    expect([sign.publicKey, sign.secret, box.publicKey, box.secret].map(({ length }) => length)).toEqual([
      32, 32, 32, 32,
    ]);
    expect(createSignKeys().publicKey).not.toEqual(sign.publicKey);
    expect(login.publicKey).toMatch(/^U[A-Z2-7]{55}$/);
    expect(login.seed).toMatch(/^SU[A-Z2-7]+$/);
  });
});

describe('an identity file', () => {
  it('is written for its owner alone, and read as it was written', () => {
    const path = identityFile();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const identity = readIdentity(path);
    expect(identity).toMatchObject({
      fleet: 'main',
      fleetId: fleet.fleetId,
      name: 'db1',
      loginSeed: login.seed,
      loginJwt: keys.loginJwt,
    });
    expect(identity.signer.publicKey).toEqual(node.signer.publicKey);
    expect(codeOf(() => fleet.trust({ now: () => fleet.now, monotonic: () => 0 }).verify(identity.credential))).toBe(
      'accepted',
    );
  });

  it('is never written over another', () => {
    const path = identityFile();
    const before = readFileSync(path, 'utf8');
    expect(() => writeIdentity(path, 'main', [fleet.root.publicKey], node.credential, keys)).toThrow(/EEXIST/);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it.each([0o640, 0o604, 0o660, 0o610, 0o601])('with the mode %o is not used', (mode) => {
    const path = identityFile();
    chmodSync(path, mode);
    expect(codeOf(() => readIdentity(path))).toBe('file-unsafe');
  });

  it('is taken when it is stricter than it has to be', () => {
    const path = identityFile();
    chmodSync(path, 0o400);
    expect(codeOf(() => readIdentity(path))).toBe('accepted');
  });

  /** Text for the file, from what stands in it. */
  const breakages: readonly [string, (content: Record<string, unknown>) => unknown][] = [
    ['is empty', () => ''],
    ['is not JSON', () => '{'],
    ['is no object', () => []],
    ['is of another version', (content) => ({ ...content, version: 2 })],
    ['has a field that is not known', (content) => ({ ...content, extra: 1 })],
    ['has no fleet', ({ fleet: _fleet, ...content }) => content],
    ['has no root', (content) => ({ ...content, roots: [] })],
    ['has a root that is too short', (content) => ({ ...content, roots: ['AAAA'] })],
    ['has a seed that is too short', (content) => ({ ...content, signSeed: 'AAAA' })],
    ['has a box secret that is too short', (content) => ({ ...content, boxSecret: 'AAAA' })],
    ['has a seed that is not base64', (content) => ({ ...content, signSeed: '!!!' })],
    ['has a login of another kind', (content) => ({ ...content, loginSeed: login.publicKey })],
    ['has a login that is none', (content) => ({ ...content, loginJwt: 'x' })],
    ['has no login', ({ loginJwt: _jwt, ...content }) => content],
    ['has a credential that is none', (content) => ({ ...content, credential: 'AAAA' })],
    ['has the key of another', (content) => ({ ...content, signSeed: Buffer.alloc(32, 1).toString('base64') })],
  ];

  it.each(breakages)('that %s is called broken, by name', (_what, change) => {
    const path = identityFile();
    const changed = change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>);
    writeFileSync(path, typeof changed === 'string' ? changed : JSON.stringify(changed));
    expect(codeOf(() => readIdentity(path))).toBe('identity-broken');
    expect(() => readIdentity(path)).toThrow(path);
  });

  it('says nothing of the keys in it when it is broken', () => {
    const path = identityFile();
    const content = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...content, fleet: 7 }));
    try {
      readIdentity(path);
      expect.unreachable();
    } catch (error) {
      const { message, hint } = error as { message: string; hint: string };
      for (const secret of [content['signSeed'], content['boxSecret'], content['loginSeed']])
        expect(`${message}${hint}`).not.toContain(secret);
    }
  });
});

describe('a private file', () => {
  const file = (mode: number): string => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'text');
    chmodSync(path, mode);
    return path;
  };

  it('of settings may be read by others, and written by its owner alone', () => {
    const read = (mode: number): string => codeOf(() => readPrivateFile(file(mode), { secret: false, what: 'it' }));
    expect([0o644, 0o600, 0o444].map(read)).toEqual(['accepted', 'accepted', 'accepted']);
    expect([0o664, 0o646, 0o666].map(read)).toEqual(['file-unsafe', 'file-unsafe', 'file-unsafe']);
  });

  it('says that it is not there, or is a folder', () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o700);
    const read = (path: string): string => codeOf(() => readPrivateFile(path, { secret: true, what: 'it' }));
    expect(read(join(folder, 'none'))).toBe('file-missing');
    mkdirSync(join(folder, 'folder'), { mode: 0o700 });
    expect(read(join(folder, 'folder'))).toBe('file-unreadable');
    symlinkSync(join(folder, 'none'), join(folder, 'dangling'));
    expect(read(join(folder, 'dangling'))).toBe('file-unreadable');
  });

  it('is judged by what a link leads to', () => {
    const target = file(0o666);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(target, link);
    expect(codeOf(() => readPrivateFile(link, { secret: false, what: 'it' }))).toBe('file-unsafe');
  });

  // Only root can give a file away.
  it.runIf(process.getuid?.() === 0)('of another user is not trusted', () => {
    const path = file(0o600);
    chownSync(path, 12_345, 0);
    expect(codeOf(() => readPrivateFile(path, { secret: true, what: 'it' }))).toBe('file-unsafe');
  });
});

describe('a settings file', () => {
  const Schema = z.strictObject({ name: z.string(), count: z.number().default(1) });
  const read = async (text: string): Promise<unknown> => {
    const path = join(temporaryFolder(), 'settings.yaml');
    writeFileSync(path, text, { mode: 0o600 });
    return readSettings(path, 'settings', Schema);
  };

  it('is YAML, or JSON', async () => {
    expect(await read('# words\nname: a\n')).toEqual({ name: 'a', count: 1 });
    expect(await read('{"name": "a", "count": 2}')).toEqual({ name: 'a', count: 2 });
    expect(await read('{name: a}')).toEqual({ name: 'a', count: 1 });
  });

  it('that is wrong says file, field and what was expected', async () => {
    await expect(read('nmae: a')).rejects.toThrow(/settings\.yaml is not right: name: .*nmae/);
    await expect(read('name: [1]')).rejects.toThrow(/name: .*expected string/);
    await expect(read('')).rejects.toThrow(/name: /);
    await expect(read('a: b: c')).rejects.toThrow(/settings\.yaml, line 1: /);
    await expect(read('- 1')).rejects.toThrow(/expected object/);
  });

  it.each(['name: a\nname: b', 'name: *none', '"', '\t- x', '{"name": "a"', 'a: &a [*a]'])(
    'that is broken (%j) is refused, never half read',
    async (text) => {
      expect(await codeOfAsync(() => read(text))).toBe('settings-invalid');
    },
  );

  it('that would grow without end when its references are followed is refused', async () => {
    const layers = Array.from(
      { length: 12 },
      (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`,
    );
    expect(await codeOfAsync(() => read(['l0: &l0 x', ...layers].join('\n')))).toBe('settings-invalid');
  });
});
