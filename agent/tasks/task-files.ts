/**
 * The files in tasks.d, and whether they may be trusted: whoever can write a task decides what runs as its user, so a file
 * or folder that others may write is refused.
 */
import { constants, type Stats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../../shared/limits.ts';

const TASK_FILE = /^[^.].*\.ya?ml$/;
const OTHERS_WRITE = 0o022;

export interface FoundFile {
  readonly path: string;
  /** Changes whenever the content may have. */
  readonly stamp: string;
}

export interface Found {
  readonly files: readonly FoundFile[];
  readonly problems: readonly { source: string; reason: string }[];
}

/** In order of their names. A folder that isn't there has no tasks, and that's no problem. */
export async function findTaskFiles(folder: string, ownUid: number): Promise<Found> {
  const about = await stat(folder).catch(() => undefined);
  if (about === undefined) return { files: [], problems: [] };
  const reason = about.isDirectory() ? distrust(about, ownUid) : 'is not a folder';
  if (reason !== undefined) return { files: [], problems: [{ source: folder, reason }] };

  const names = (await readdir(folder)).filter((name) => TASK_FILE.test(name)).sort();
  const problems =
    names.length > LIMITS.taskFiles
      ? [{ source: folder, reason: `has ${names.length} files, the first ${LIMITS.taskFiles} are read` }]
      : [];
  const files: FoundFile[] = [];
  for (const name of names.slice(0, LIMITS.taskFiles)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    files.push({ path, stamp: found === undefined ? 'none' : stampOf(found) });
  }
  return { files, problems };
}

export type ReadText = { readonly text: string; readonly reason?: undefined } | { readonly reason: string };

/** Checks the very file that it reads, not the name, which may change hands in between. */
export async function readTrusted(path: string, ownUid: number): Promise<ReadText> {
  try {
    // Without waiting: a pipe that somebody put here would never answer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const about = await file.stat();
      if (!about.isFile()) return { reason: 'is not a file' };
      const reason = distrust(about, ownUid);
      if (reason !== undefined) return { reason };
      if (about.size > LIMITS.taskFileBytes) return { reason: `is larger than ${LIMITS.taskFileBytes} bytes` };
      return { text: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { reason: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` };
  }
}

function distrust(about: Stats, ownUid: number): string | undefined {
  if (about.uid !== 0 && about.uid !== ownUid) {
    return `belongs to user ${about.uid}: it must belong to root or to the agent's own user`;
  }
  if ((about.mode & OTHERS_WRITE) !== 0) return 'can be written by others: take that away with chmod go-w';
  return undefined;
}

function stampOf(about: Stats): string {
  return [about.ino, about.size, about.mtimeMs, about.ctimeMs].join(' ');
}
