/**
 * The last facts in a file, so that an agent that has just started knows its node at once. What can't be read is as good
 * as nothing: the collectors start from the beginning.
 */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { toFacts, type FactDocument } from './fact-value.ts';

const StateFile = z.strictObject({
  version: z.literal(1),
  collectors: z.array(
    z.strictObject({
      name: z.string(),
      collectedAt: z.number(),
      isVolatile: z.boolean().optional(),
      facts: z.unknown(),
    }),
  ),
});

export interface StoredFacts {
  /** Of the collector. */
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly collectedAt: number;
  readonly facts: FactDocument;
  /** Of a file of facts.d only: whether all its facts are. */
  readonly isVolatile?: boolean | undefined;
}

export interface LoadedState {
  readonly collectors: readonly StoredFacts[];
  /** Why the file was of no use, if there was one. */
  readonly problem?: string;
}

export class FactStateFile {
  readonly path: string;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** At once, and not later: it happens before anybody asks, and takes a millisecond. */
  load(): LoadedState {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { collectors: [] };
      return { collectors: [], problem: `can't be read: ${(error as Error).message}` };
    }
    try {
      const { collectors } = StateFile.parse(JSON.parse(bytes.toString('utf8')));
      return { collectors: collectors.map((entry) => ({ ...entry, facts: toFacts(entry.facts) })) };
    } catch {
      return { collectors: [], problem: 'is damaged: all facts are collected anew' };
    }
  }

  /** Readable by the agent alone; takes the place of the old file as a whole, or not at all. One write at a time. */
  async save(collectors: readonly StoredFacts[]): Promise<void> {
    const text = JSON.stringify({ version: 1, collectors });
    const write = async (): Promise<void> => {
      const { default: writeFileAtomic } = await import('write-file-atomic');
      await writeFileAtomic(this.path, text, { mode: 0o600 });
    };
    this.#saving = this.#saving.then(write, write);
    await this.#saving;
  }
}
