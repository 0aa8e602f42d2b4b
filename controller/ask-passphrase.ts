/**
 * A passphrase, from the terminal without showing it, or from a file. Never from an argument or the environment: other
 * users of the machine can read the first, and everything that is started the second.
 */
import { SettingsError, UsageError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import { readPrivateFile } from '../shared/private-file.ts';
import type { App } from './app.ts';
import { askSecret } from './ask-secret.ts';
import { readStdin } from './read-stdin.ts';

type Terminal = Pick<App, 'stdin' | 'stderr' | 'interrupt'>;

export interface PassphraseSource {
  /** File whose first line it is; `-` is standard input. @default the terminal */
  readonly file?: string | undefined;
}

/** One that there is. @throws UsageError `needs-passphrase` `bad-passphrase`; SettingsError; InterruptedError */
export async function askPassphrase(what: string, { file }: PassphraseSource, app: Terminal): Promise<string> {
  if (file !== undefined) return fromFile(file, app);
  assertTerminal(what, app);
  return assertPassphrase(await askSecret(`passphrase of ${what}`, app));
}

/** A new one: asked twice, so that nobody locks a key with a slip. @throws as above, and UsageError `passphrases-differ` */
export async function askNewPassphrase(what: string, { file }: PassphraseSource, app: Terminal): Promise<string> {
  if (file !== undefined) return assertLongEnough(await fromFile(file, app));
  assertTerminal(what, app);
  const first = assertLongEnough(assertPassphrase(await askSecret(`new passphrase for ${what}`, app)));
  if ((await askSecret('the same once more', app)) === first) return first;
  throw new UsageError('the two are not the same', {
    code: 'passphrases-differ',
    hint: 'Nothing was changed; try again.',
  });
}

function assertTerminal(what: string, { stdin }: Terminal): void {
  if (stdin.isTTY === true) return;
  throw new UsageError(`${what} has a passphrase, and there is no terminal to ask for it`, {
    code: 'needs-passphrase',
    hint: 'Name a file of mode 600 that has it, or - for standard input: --passphrase-file FILE.',
  });
}

async function fromFile(file: string, app: Terminal): Promise<string> {
  const text = file === '-' ? await readStdin(app) : readPrivateFile(file, { secret: true, what: 'passphrase file' });
  return assertPassphrase(text.split(/\r?\n/, 1)[0] ?? '');
}

function assertPassphrase(text: string): string {
  if (text !== '') return text;
  throw new SettingsError('the passphrase is empty', {
    code: 'bad-passphrase',
    hint: 'The first line of what is read is taken.',
  });
}

function assertLongEnough(text: string): string {
  if (text.length >= LIMITS.passphraseMinLength) return text;
  throw new UsageError(`the passphrase has less than ${LIMITS.passphraseMinLength} characters`, {
    code: 'bad-passphrase',
    hint: 'Take several words: whoever gets the file can try as many as they like.',
  });
}
