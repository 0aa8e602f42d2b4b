/**
 * Opens a log file, if it's one that this node lets be read: a plain file that really lies in one of the folders, wherever
 * the path and the links in it seem to lead. What was opened is asked, not the path: that may be another file by now.
 */
import { constants, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { ActionError, RefusedError } from '../../shared/errors.ts';

/** @throws RefusedError `not-authorized`; ActionError `not-found`, `not-readable` */
export async function openLogFile(path: string, folders: readonly string[]): Promise<FileHandle> {
  let file: FileHandle;
  try {
    // A pipe of that name is not waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    // Whether a file is there is told only where it could be read.
    if (!(await isWithin(path, folders))) throw notHere(path, folders);
    if (code === 'ENOENT') throw new ActionError(`there is no file ${path}`, { code: 'not-found', cause });
    throw new ActionError(`the agent may not read ${path} (${code})`, { code: 'not-readable', cause });
  }
  try {
    const found = await readlink(`/proc/self/fd/${file.fd}`);
    if (!(await isWithin(found, folders))) throw notHere(path, folders);
    if (!(await file.stat()).isFile()) throw new ActionError(`${path} is no plain file`, { code: 'not-readable' });
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function isWithin(path: string, folders: readonly string[]): Promise<boolean> {
  if (path.split('/').includes('..')) return false;
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
  return real.some((folder) => folder !== undefined && path.startsWith(folder === '/' ? '/' : `${folder}/`));
}

const notHere = (path: string, folders: readonly string[]): RefusedError =>
  new RefusedError(`${path} is not in a folder whose logs may be read here: ${folders.join(', ') || 'there is none'}`, {
    code: 'not-authorized',
    hint: 'its owner decides: logs.folders in agent.yaml',
  });
