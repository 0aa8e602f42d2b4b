/** `fleet ca passphrase`: gives the root key a passphrase, another one, or none. */
import type { Command } from 'commander';
import { UsageError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { addRootOptions, passphraseFrom, type RootFlags } from '../options/root-options.ts';

interface PassphraseFlags extends RootFlags {
  readonly newPassphraseFile?: string;
  readonly remove?: boolean;
  readonly dir?: string;
}

export function registerCaPassphrase(ca: Command, app: App): void {
  const command = addRootOptions(
    ca.command('passphrase').description('Gives the root key a passphrase, another one, or (--remove) none.'),
  )
    .option('--new-passphrase-file <FILE>', 'the new one, in the same way')
    .option('--remove', 'none any more: who has the file has the fleet')
    .option('--dir <DIR>', 'folder of the fleet (default: ~/.config/fleet)')
    .addHelpText(
      'after',
      `
Copies of root.json that are kept elsewhere stay as they are.

Examples:
  fleet ca passphrase
  fleet ca passphrase --root /media/safe/root.json --remove`,
    )
    .action(() => run(command.opts<PassphraseFlags>(), app));
}

async function run(flags: PassphraseFlags, app: App): Promise<void> {
  const { newPassphraseFile: file, remove } = flags;
  if (remove === true && file !== undefined)
    throw new UsageError('--remove and --new-passphrase-file exclude each other', { code: 'bad-value' });
  if (file === '-' && flags.passphraseFile === '-')
    throw new UsageError('standard input is one passphrase, not two', {
      code: 'bad-value',
      hint: 'Put one of them into a file of mode 600.',
    });
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { changePassphrase } = await import('../setup/root-key.ts');
  const { askNewPassphrase } = await import('../ask-passphrase.ts');
  const path = flags.root ?? new FleetHome(flags.dir ?? configFolder(app.surroundings)).rootKey;
  await changePassphrase(path, passphraseFrom(flags, app), () =>
    remove === true ? Promise.resolve(undefined) : askNewPassphrase(`the root key ${path}`, { file }, app),
  );
  app.stdout.write(
    remove === true
      ? `${path} has no passphrase any more: whoever reads it can make anybody an operator.\n`
      : `${path} has a new passphrase. Without it the key is lost: keep it somewhere else than the file.\n`,
  );
}
