/** The root key under a passphrase, as its owner has to do with it: at the terminal, and from a file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FleetCli, type CliResult } from '../support/fleet-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { noTerminal, startAtTerminal } from '../support/terminal.ts';
import { waitFor } from '../support/wait-for.ts';

const PASSPHRASE = 'correct horse battery';
const NEXT = 'another horse, another stable';

interface Owner {
  readonly cli: FleetCli;
  readonly dir: string;
  /** Writes a file with a passphrase, and gives its path. */
  file(passphrase: string): string;
  fleet(...args: string[]): Promise<CliResult>;
}

function owner(): Owner {
  const cli = new FleetCli(temporaryFolder());
  const dir = join(cli.folder, 'home-of-fleet');
  let files = 0;
  return {
    cli,
    dir,
    file: (passphrase) => {
      const path = join(cli.folder, `passphrase${files++}`);
      writeFileSync(path, `${passphrase}\n`, { mode: 0o600 });
      return path;
    },
    fleet: (...args) => cli.run(...args, '--dir', dir),
  };
}

const init = ({ fleet }: Owner, ...args: string[]): Promise<CliResult> =>
  fleet('init', '--server', '127.0.0.1:4222', '--operator', 'alice', ...args);

describe('a root key', () => {
  it('under a passphrase makes operators only for who knows it', async () => {
    const me = owner();
    const { cli, dir, file, fleet } = me;
    expect(await init(me, '--passphrase-file', file(PASSPHRASE))).toMatchObject({ exit: 0 });
    expect(readFileSync(join(dir, 'root.json'), 'utf8')).not.toContain('seed');
    const issue = ['ca', 'issue', 'operator'];
    const unasked = await fleet(...issue, 'bob', '--role', 'reader');
    expect(unasked).toMatchObject({ exit: 2, stderr: expect.stringContaining('--passphrase-file FILE') as string });
    const wrong = await fleet(...issue, 'bob', '--role', 'reader', '--passphrase-file', file('wrong'));
    expect(wrong).toMatchObject({ exit: 2, stderr: expect.stringContaining('the passphrase is wrong') as string });
    expect(await fleet(...issue, 'bob', '--role', 'reader', '--passphrase-file', file(PASSPHRASE))).toMatchObject({
      exit: 0,
    });
    const typed = ['--role', 'reader', '--passphrase-file', '-', '--dir', dir];
    expect(await cli.runWith({ stdin: `${PASSPHRASE}\n` }, ...issue, 'carol', ...typed)).toMatchObject({ exit: 0 });
  });

  it('changes its passphrase, and loses it, for who knows it', async () => {
    const me = owner();
    const { file, fleet } = me;
    await init(me);
    const add = await fleet('ca', 'passphrase', '--new-passphrase-file', file(PASSPHRASE));
    expect(add).toMatchObject({ exit: 0, stdout: expect.stringContaining('has a new passphrase') as string });
    const given = ['--passphrase-file', file(PASSPHRASE)];
    expect(await fleet('ca', 'passphrase', ...given, '--new-passphrase-file', file('short'))).toMatchObject({
      exit: 2,
    });
    expect(await fleet('ca', 'passphrase', ...given, '--new-passphrase-file', file(NEXT))).toMatchObject({ exit: 0 });
    expect(await fleet('ca', 'passphrase', ...given, '--remove')).toMatchObject({ exit: 2 });
    expect(await fleet('ca', 'passphrase', '--passphrase-file', file(NEXT), '--remove')).toMatchObject({ exit: 0 });
    expect(await fleet('ca', 'issue', 'operator', 'bob', '--role', 'reader')).toMatchObject({ exit: 0 });
  });

  it.skipIf(noTerminal() !== undefined)(
    'asks for it at the terminal, twice for a new one, and shows nothing',
    async () => {
      const me = owner();
      const args = ['init', '--server', '127.0.0.1:4222', '--operator', 'alice', '--passphrase', '--dir', me.dir];
      const differing = await startAtTerminal(me.cli, args);
      await waitFor(() => differing.output().includes('new passphrase for the root key'), { what: 'the question' });
      differing.write(`${PASSPHRASE}\r`);
      await waitFor(() => differing.output().includes('once more'), { what: 'the second question' });
      differing.write(`${NEXT}\r`);
      expect((await differing.ended).code).toBe(2);
      expect(differing.output()).toContain('not the same');

      const making = await startAtTerminal(me.cli, args);
      await waitFor(() => making.output().includes('new passphrase for the root key'), { what: 'the question' });
      making.write(`${PASSPHRASE}\r`);
      await waitFor(() => making.output().includes('once more'), { what: 'the second question' });
      making.write(`${PASSPHRASE}\r`);
      expect((await making.ended).code).toBe(0);

      const issuing = await startAtTerminal(me.cli, [
        'ca',
        'issue',
        'operator',
        'bob',
        '--role',
        'reader',
        '--dir',
        me.dir,
      ]);
      await waitFor(() => issuing.output().includes('passphrase of the root key'), { what: 'the question' });
      issuing.write(`${PASSPHRASE}\r`);
      expect((await issuing.ended).code).toBe(0);
      for (const { output } of [differing, making, issuing]) expect(output()).not.toContain('horse');
    },
  );
});
