/**
 * facts.d: lists the folder, and makes a collector of each file that may be trusted. It reads and runs nothing by itself;
 * the store does that, each file at its own pace. A folder that isn't there has no facts.
 */
import { lstat, readdir } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../shared/limits.ts';
import type { FolderCollector, Problem } from './collector.ts';
import { isDataFile, dataCollector, programCollector } from './facts-file.ts';
import { distrust } from './file-trust.ts';

export interface FactsFolderOptions {
  readonly path: string;
  /** The user that the agent runs as; files of others, but for root's, are refused. */
  readonly user: number;
  /** Environment of executables: all of it. */
  readonly env: Readonly<Record<string, string>>;
}

export interface FolderScan {
  readonly collectors: readonly FolderCollector[];
  readonly problems: readonly Problem[];
}

/** Left by editors and package managers, and hidden files: nobody means them. */
const LEFT_OVERS = /^\.|~$|\.(?:bak|orig|rej|swp|tmp|dpkg-\w+|rpmnew|rpmsave|rpmorig)$/;

export async function scanFactsFolder(options: FactsFolderOptions): Promise<FolderScan> {
  const { path } = options;
  try {
    const folder = await lstat(path);
    const refused = folder.isDirectory() ? distrust(folder, options.user) : 'must be a folder';
    if (refused !== undefined) return { collectors: [], problems: [{ source: path, reason: refused }] };
    const names = (await readdir(path)).filter((name) => !LEFT_OVERS.test(name)).toSorted();
    return await scanFiles(names, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { collectors: [], problems: [] };
    return { collectors: [], problems: [{ source: path, reason: `can't be read: ${(error as Error).message}` }] };
  }
}

async function scanFiles(names: readonly string[], options: FactsFolderOptions): Promise<FolderScan> {
  const collectors: FolderCollector[] = [];
  const problems: Problem[] = [];
  for (const name of names.slice(0, LIMITS.factFiles)) {
    const source = join(options.path, name);
    const stats = await lstat(source).catch(() => undefined);
    // Removed since it was listed, or a folder: those are for people to keep things in.
    if (stats === undefined || stats.isDirectory()) continue;
    const refused = refuse(name, stats, options.user);
    if (refused !== undefined) problems.push({ source, reason: refused });
    else
      collectors.push(isDataFile(name) ? dataCollector(source, stats) : programCollector(source, stats, options.env));
  }
  const rest = names.length - LIMITS.factFiles;
  if (rest > 0)
    problems.push({ source: options.path, reason: `has ${rest} files more than the ${LIMITS.factFiles} read` });
  return { collectors, problems };
}

function refuse(name: string, stats: Stats, user: number): string | undefined {
  // Whoever owns a folder on the way to its target could put another file there.
  if (stats.isSymbolicLink()) return 'is a symbolic link: put the file itself here';
  if (!stats.isFile()) return 'is no regular file';
  const reason = distrust(stats, user);
  if (reason !== undefined) return reason;
  if (!isDataFile(name) && (stats.mode & 0o111) === 0) {
    return 'is neither .json nor .yaml nor executable (chmod +x, if it prints facts)';
  }
  return undefined;
}
