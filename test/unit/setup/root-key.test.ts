/** The file of a root key: plain or under a passphrase, of this fleet or of none. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changePassphrase, createRoot, readRoot, type AskPassphrase } from '../../../controller/setup/root-key.ts';
import { openWithPassphrase, sealWithPassphrase } from '../../../shared/passphrase.ts';
import { toHex } from '../../../shared/signing.ts';
import { codeOfAsync } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const answering =
  (passphrase: string, asked: string[] = []): AskPassphrase =>
  (what) => {
    asked.push(what);
    return Promise.resolve(passphrase);
  };
const nobody: AskPassphrase = () => Promise.reject(new Error('nobody is to be asked'));
const newPath = (): string => join(temporaryFolder(), 'root.json');
/** Costs little: what a guess costs is another test's. */
const CHEAP = 2;
/** Making keys of passphrases is slow on purpose, and slower where other tests run. */
const PATIENCE_MS = 60_000;

describe('a secret under a passphrase', () => {
  it('opens with the same one, however its accents were typed, and with no other', async () => {
    const secret = Uint8Array.of(1, 2, 3);
    const sealed = await sealWithPassphrase(secret, 'na\u00efve horse', CHEAP);
    expect(await openWithPassphrase(sealed, 'nai\u0308ve horse')).toEqual(secret);
    for (const wrong of ['naive horse', 'na\u00efve horse ', ''])
      expect(await codeOfAsync(() => openWithPassphrase(sealed, wrong))).toBe('wrong-passphrase');
    const damaged = { ...sealed, box: sealed.box.replace(/^./, 'B') };
    expect(await codeOfAsync(() => openWithPassphrase(damaged, 'na\u00efve horse'))).toBe('wrong-passphrase');
  });

  it('is another text each time', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => sealWithPassphrase(Uint8Array.of(1), 'same', CHEAP)));
    expect([one!.salt === other!.salt, one!.box === other!.box]).toEqual([false, false]);
  });
});

describe('a root key', () => {
  it('without a passphrase asks nobody', async () => {
    const path = newPath();
    const made = await createRoot(path, { fleet: 'main' });
    const read = await readRoot(path, made, nobody);
    expect(toHex(read.signer.publicKey)).toBe(toHex(made.signer.publicKey));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('under a passphrase has nothing of the key in its file, and asks for it, naming the file', async () => {
    const path = newPath();
    const made = await createRoot(path, { fleet: 'main', passphrase: 'correct horse battery' });
    const file = JSON.parse(readFileSync(path, 'utf8')) as { seed?: string; sealed: { n: number; kdf: string } };
    expect(file).not.toHaveProperty('seed');
    expect(file.sealed).toMatchObject({ kdf: 'scrypt', n: 2 ** 17 });
    const asked: string[] = [];
    const read = await readRoot(path, made, answering('correct horse battery', asked));
    expect(toHex(read.signer.publicKey)).toBe(toHex(made.signer.publicKey));
    expect(asked).toEqual([`the root key ${path}`]);
    expect(await codeOfAsync(() => readRoot(path, made, answering('wrong')))).toBe('wrong-passphrase');
  });

  it(
    'gets a passphrase, another one, and none, and stays the same key',
    async () => {
      const path = newPath();
      const made = await createRoot(path, { fleet: 'main' });
      await changePassphrase(path, nobody, () => Promise.resolve('first passphrase'));
      const before = readFileSync(path, 'utf8');
      expect(await codeOfAsync(() => changePassphrase(path, answering('wrong'), () => Promise.resolve('x')))).toBe(
        'wrong-passphrase',
      );
      expect(readFileSync(path, 'utf8')).toBe(before);
      await changePassphrase(path, answering('first passphrase'), () => Promise.resolve('second passphrase'));
      expect((await readRoot(path, made, answering('second passphrase'))).signer.publicKey).toEqual(
        made.signer.publicKey,
      );
      await changePassphrase(path, answering('second passphrase'), () => Promise.resolve(undefined));
      expect((await readRoot(path, made, nobody)).signer.publicKey).toEqual(made.signer.publicKey);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    },
    PATIENCE_MS,
  );

  it('of another fleet, or one that another took the place of, is refused before its passphrase is asked for', async () => {
    const [path, other, later] = [newPath(), newPath(), newPath()];
    const made = await createRoot(path, { fleet: 'main', passphrase: 'correct horse battery' });
    const stranger = await createRoot(other, { fleet: 'main' });
    expect(await codeOfAsync(() => readRoot(path, stranger, nobody))).toBe('wrong-root');
    const successor = await createRoot(later, { fleet: 'main', fleetId: made.fleetId });
    expect(await codeOfAsync(() => readRoot(path, successor, nobody))).toBe('wrong-root');
    const read = await readRoot(later, { fleetId: made.fleetId, roots: successor.roots }, nobody);
    expect(read.fleetId).toBe(made.fleetId);
  });

  it.each([
    ['that is no JSON', 'rubbish'],
    ['without a key', '{"version":1,"fleet":"main","publicKey":""}'],
    ['that asks for all memory', JSON.stringify({ version: 1, fleet: 'main', publicKey: '', sealed: { kdf: 'scrypt', n: 2 ** 30, r: 8, p: 1, salt: '', box: '' } })],
  ])('%s is broken', async (_what, text) => {
    const path = newPath();
    writeFileSync(path, text, { mode: 0o600 });
    expect(await codeOfAsync(() => readRoot(path, { fleetId: '', roots: [] }, nobody))).toBe('root-broken');
  }); // prettier-ignore
});
