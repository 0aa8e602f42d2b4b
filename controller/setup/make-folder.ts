/** Files that come to be together or not at all: made in a folder aside, moved to their places when all of them are made. */
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SettingsError } from '../../shared/errors.ts';

/** Runs `make` on an empty folder within `folder`, and moves what it made up into it; `last` goes last. */
export async function makeTogether(
  folder: string,
  last: string,
  make: (aside: string) => Promise<void>,
): Promise<void> {
  const aside = mkdtempSync(join(folder, '.making-'));
  const moved: string[] = [];
  try {
    await make(aside);
    const names = readdirSync(aside).filter((name) => name !== last);
    for (const name of [...names, last]) {
      renameSync(join(aside, name), join(folder, name));
      moved.push(join(folder, name));
    }
  } catch (error) {
    for (const path of moved) rmSync(path, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** What the system says about a folder, in words; any other error stays what it is. */
export function describeFolderError(folder: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || syscall === undefined || code === undefined) return error;
  return new SettingsError(`nothing can be written in ${folder} (${code})`, {
    code: 'folder-unusable',
    hint: HINTS[code] ?? 'Use another folder (--dir).',
    cause: error,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ENOTDIR: 'A part of this path is a file: use another folder (--dir).',
  EEXIST: 'A part of this path is a file: use another folder (--dir).',
  EACCES: 'It belongs to somebody else: use another folder (--dir).',
  EROFS: 'Its disk is read-only: have it writable, or use another folder (--dir).',
  ENOSPC: 'Its disk is full: make room there, then run it again.',
};
