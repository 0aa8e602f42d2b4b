/** A fact store with the built-in collectors and facts.d, as the agent runs it. */
import { homedir } from 'node:os';
import { builtInCollectors } from './collectors.ts';
import type { Collector } from './collector.ts';
import { FactStore, type FactStoreDependencies, type FactStoreOptions } from './fact-store.ts';
import { scanFactsFolder } from './facts-folder.ts';
import { programFolders } from './find-programs.ts';

export interface NodeFactsOptions extends FactStoreOptions {
  /** The folder facts.d; it need not exist. */
  readonly factsFolder?: string;
  /** PATH: where language runtimes are looked for first. */
  readonly path: string;
  /** The user that the agent runs as: files of facts.d are its own or root's. @default the process's */
  readonly user?: number;
  /** @default the built-in ones */
  readonly collectors?: readonly Collector[] | undefined;
}

export function createFactStore(
  options: NodeFactsOptions,
  dependencies: Omit<FactStoreDependencies, 'collectors' | 'scanFolder'>,
): FactStore {
  const { collectors, factsFolder, path, user = process.getuid?.() ?? 0 } = options;
  const folders = programFolders(path);
  // All that programs get: nothing of the agent's own environment, which may hold secrets.
  const env = { PATH: folders.join(':'), HOME: homedir(), LC_ALL: 'C' };
  return new FactStore(options, {
    ...dependencies,
    // Go would fetch another tool chain to tell its version, where a file of the project asks for one.
    collectors: collectors ?? builtInCollectors({ folders, env: { ...env, GOTOOLCHAIN: 'local' } }),
    ...(factsFolder === undefined ? {} : { scanFolder: () => scanFactsFolder({ path: factsFolder, user, env }) }),
  });
}
