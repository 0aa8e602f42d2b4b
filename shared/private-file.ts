/** Files that decide who may do what: refused when others could have written them, or read a key in them. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { SettingsError } from './errors.ts';

export interface PrivateFileOptions {
  /** Keys: nobody else may read. Settings: nobody else may write. */
  readonly secret: boolean;
  /** What it is, for the error: `agent configuration`. */
  readonly what: string;
}

/**
 * Reads a file after checking its owner and mode.
 * @throws SettingsError `file-missing`, `file-unreadable`, `file-unsafe`
 */
export function readPrivateFile(path: string, options: PrivateFileOptions): string {
  const { what } = options;
  try {
    lstatSync(path);
  } catch {
    throw new SettingsError(`${what} ${path} is not there`, { code: 'file-missing' });
  }
  let text: string;
  try {
    const { mode, uid } = statSync(path);
    const me = process.getuid?.() ?? uid;
    if (uid !== me && uid !== 0)
      throw new SettingsError(`${what} ${path} belongs to another user (uid ${uid})`, {
        code: 'file-unsafe',
        hint: `chown it to the user that runs this: chown ${me} ${path}`,
      });
    const forbidden = options.secret ? 0o077 : 0o022;
    if ((mode & forbidden) !== 0)
      throw new SettingsError(`${what} ${path} may be ${options.secret ? 'read' : 'written'} by others`, {
        code: 'file-unsafe',
        hint: `Take that right away: chmod ${options.secret ? '600' : 'go-w'} ${path}`,
      });
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof SettingsError) throw cause;
    throw new SettingsError(`${what} ${path} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      code: 'file-unreadable',
      cause,
    });
  }
  return text;
}
