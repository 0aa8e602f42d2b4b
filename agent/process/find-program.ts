/**
 * Finds the file that a program's name stands for, and tells apart why there is none: the operating system has one
 * error for a missing program, a missing interpreter and a missing working directory.
 */
import { access, constants, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ActionError } from '../../shared/errors.ts';

/** Throws an `ActionError` `no-such-directory`, as the reason says. */
export async function requireDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw failure('no-such-directory', `there is no directory ${path}`);
  if (!found.isDirectory()) throw failure('no-such-directory', `${path} is not a directory`);
  const enterable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!enterable) throw failure('no-such-directory', `the agent may not enter the directory ${path}`);
}

/**
 * The path of the program, by the rules of execvp: a name with a slash is a path, from `cwd`; any other is looked for in
 * `path`. Throws an `ActionError` `not-found` or `not-executable`.
 */
export async function findProgram(name: string, path: string, cwd: string): Promise<string> {
  if (name === '') throw failure('not-found', 'the name of the program is empty');
  const isPath = name.includes('/');
  const folders = path.split(':').filter((folder) => folder !== '');
  const candidates = isPath ? [resolve(cwd, name)] : folders.map((folder) => resolve(cwd, join(folder, name)));

  let unusable: string | undefined;
  for (const candidate of candidates) {
    const verdict = await judge(candidate);
    if (verdict === 'program') return candidate;
    if (verdict !== 'missing') unusable ??= `${candidate} ${verdict}`;
  }
  if (unusable !== undefined) throw failure('not-executable', unusable);
  throw failure('not-found', isPath ? `there is no program ${candidates[0]}` : `no program ${name} in ${path}`);
}

async function judge(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return found.isDirectory() ? 'is a directory' : 'is not a file';
    await access(path, constants.X_OK);
    return 'program';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return 'may not be run by the agent: no permission';
    return 'missing';
  }
}

/** What an error of the start itself means, once directory and program have been found. */
export function explainStartError(error: NodeJS.ErrnoException, program: string): ActionError {
  if (error.code === 'ENOENT') return failure('not-found', `the interpreter that ${program} names is missing`, error);
  if (error.code === 'EACCES') return failure('not-executable', `no permission to run ${program}`, error);
  if (error.code === 'ENOEXEC') return failure('not-executable', `${program} is no program for this machine`, error);
  if (error.code === 'E2BIG') return failure('arguments-too-long', 'arguments and environment are too long', error);
  return failure('cannot-start', `${program} cannot be started: ${error.code ?? error.message}`, error);
}

function failure(code: string, message: string, cause?: unknown): ActionError {
  return new ActionError(message, { code, cause });
}
