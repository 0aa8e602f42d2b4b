/** The options of every command that needs the root key: where it is, and where its passphrase comes from. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import type { AskPassphrase } from '../setup/root-key.ts';

export interface RootFlags {
  readonly root?: string;
  readonly passphraseFile?: string;
}

export function addRootOptions(command: Command): Command {
  return command
    .option('--root <FILE>', 'root key; bus.json may be beside it (default: root.json in the folder of the fleet)')
    .option(
      '--passphrase-file <FILE>',
      "its passphrase, as a file's first line, - for standard input (default: asked for)",
    );
}

/** Asks once, and only where the key has a passphrase. */
export function passphraseFrom({ passphraseFile: file }: RootFlags, app: App): AskPassphrase {
  let asked: Promise<string> | undefined;
  return (what) =>
    (asked ??= import('../ask-passphrase.ts').then(({ askPassphrase }) => askPassphrase(what, { file }, app)));
}
