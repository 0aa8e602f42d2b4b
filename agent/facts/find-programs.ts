/** Finds programs as a shell would: in the folders of PATH, then in those where language runtimes usually are. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** A service's PATH is short; these are looked at after it. */
const USUAL_FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/local/go/bin',
  '/usr/lib/go/bin',
  '/usr/lib/jvm/default-java/bin',
  '/usr/lib/jvm/default/bin',
  '/opt/ruby/bin',
  '/opt/rbenv/shims',
  '/usr/local/rbenv/shims',
  '/usr/local/rvm/rubies/default/bin',
  '/opt/node/bin',
  '/snap/bin',
];

/** Folders to look in, each once. A relative entry of PATH would mean another folder for every caller, so it's left out. */
export function programFolders(path: string): readonly string[] {
  return [...new Set([...path.split(delimiter).filter(isAbsolute), ...USUAL_FOLDERS])];
}

/** Every program of one of these names: all of the first name, then all of the second. */
export async function findPrograms(names: readonly string[], folders: readonly string[]): Promise<string[]> {
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const runnable = await Promise.all(candidates.map(isRunnable));
  return candidates.filter((_, index) => runnable[index]);
}

async function isRunnable(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
