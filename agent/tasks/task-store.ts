/**
 * The tasks of this node. Files are looked at whenever somebody asks, and read again when they changed: no watcher, and
 * nothing to restart. A file that isn't accepted is a problem with its reason, and doesn't stop the others.
 */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { TaskSummary } from '../../shared/wire/inventory.ts';
import { findTaskFiles, readTrusted, type FoundFile } from './task-files.ts';
import { summarize, type Task, type TaskProblem } from './task.ts';

interface ReadFile {
  readonly stamp: string;
  readonly task: Task | undefined;
  readonly problems: readonly TaskProblem[];
}

interface Loaded {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly problems: readonly TaskProblem[];
}

export class TaskStore {
  readonly #folder: string;
  readonly #ownUid: number;
  #files = new Map<string, ReadFile>();
  #loading: Promise<Loaded> | undefined;

  /** @param options.ownUid who may own task files, besides root. @default the user of this process */
  constructor(options: { folder: string; ownUid?: number }) {
    this.#folder = options.folder;
    this.#ownUid = options.ownUid ?? process.getuid?.() ?? 0;
  }

  /** By name. */
  async list(): Promise<TaskSummary[]> {
    const { tasks } = await this.#load();
    return [...tasks.values()].map(summarize).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async get(name: string): Promise<Task | undefined> {
    return (await this.#load()).tasks.get(name);
  }

  /** Names of a task's sensitive parameters, as of the last look: for who can't wait for another. */
  sensitiveOf(name: string): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { task } of this.#files.values()) {
      if (task?.name !== name) continue;
      for (const [parameter, { sensitive }] of Object.entries(task.parameters))
        if (sensitive === true) names.add(parameter);
    }
    return names;
  }

  async problems(): Promise<readonly TaskProblem[]> {
    return (await this.#load()).problems;
  }

  /** SHA-256 of the summaries, in hexadecimal: differs when what a controller is told does. */
  async hash(): Promise<string> {
    return createHash('sha256')
      .update(JSON.stringify(await this.list()))
      .digest('hex');
  }

  /** One look at the folder at a time; who asks meanwhile gets the same answer. */
  #load(): Promise<Loaded> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read(): Promise<Loaded> {
    const found = await findTaskFiles(this.#folder, this.#ownUid);
    const files = new Map<string, ReadFile>();
    for (const file of found.files) {
      const known = this.#files.get(file.path);
      files.set(file.path, known?.stamp === file.stamp ? known : await this.#readFile(file));
    }
    this.#files = files;

    const tasks = new Map<string, Task>();
    const owners = new Map<string, string>();
    const problems: TaskProblem[] = [...found.problems];
    for (const [path, { task, problems: own }] of files) {
      problems.push(...own);
      if (task === undefined) continue;
      const owner = owners.get(task.name);
      if (owner !== undefined) {
        problems.push({ source: path, reason: `there is a task ${task.name} already, in ${basename(owner)}` });
        continue;
      }
      owners.set(task.name, path);
      tasks.set(task.name, task);
    }
    return { tasks, problems };
  }

  async #readFile({ path, stamp }: FoundFile): Promise<ReadFile> {
    const { text, reason } = await readTrusted(path, this.#ownUid).then((read) =>
      read.reason === undefined ? { text: read.text, reason: undefined } : { text: undefined, reason: read.reason },
    );
    if (text === undefined) return { stamp, task: undefined, problems: [{ source: path, reason }] };
    const { readTask } = await import('./read-task.ts');
    const name = basename(path).replace(/\.ya?ml$/, '');
    const { task, problems } = await readTask(text, { name, folder: dirname(path) });
    return {
      stamp,
      task,
      problems: problems.map(({ line, reason: why }) => ({
        source: line === undefined ? path : `${path}:${line}`,
        reason: why,
      })),
    };
  }
}
