/** `--output-dir DIR`: what each node's program wrote, to the byte, in DIR/<node>/stdout and DIR/<node>/stderr. */
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OutputError, UsageError } from '../../shared/errors.ts';
import type { OutputPart, OutputSink } from './output-sink.ts';

export class OutputFolder implements OutputSink {
  readonly #folder: string;
  readonly #made = new Set<string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder. @throws UsageError `folder-not-empty`, `folder-unusable`: before anything is sent */
  static async open(folder: string): Promise<OutputFolder> {
    const path = resolve(folder);
    try {
      await mkdir(path, { recursive: true });
      if ((await readdir(path)).length === 0) return new OutputFolder(path);
    } catch (cause) {
      throw new UsageError(`the folder ${folder} can't be used (${codeOf(cause)})`, {
        code: 'folder-unusable',
        hint: 'Name one that you may write to, or that is not there yet: --output-dir DIR.',
        cause,
      });
    }
    throw new UsageError(`the folder ${folder} is not empty`, {
      code: 'folder-not-empty',
      hint: 'Output is written to a new or an empty one, so that nothing is mixed or overwritten.',
    });
  }

  /** @throws OutputError */
  async piece({ node, stream, bytes }: OutputPart & { readonly bytes: Uint8Array }): Promise<void> {
    try {
      await this.#make(node);
      await appendFile(join(this.#folder, node, stream), bytes);
    } catch (cause) {
      throw new OutputError(`the output of ${node} can't be written to ${this.#folder} (${codeOf(cause)})`, {
        code: 'output-failed',
        hint: 'What the nodes were asked to do they go on with. A recorded job can be written anew: fleet job follow JOB --output-dir DIR.',
        cause,
      });
    }
  }

  missing(): void {
    // Told at the end: a file has no place for it.
  }

  /** Also of who wrote nothing there are files: empty ones. */
  async ended(node: string): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const)
      await this.piece({ node, stream, offset: 0, bytes: new Uint8Array() });
  }

  async #make(node: string): Promise<void> {
    if (this.#made.has(node)) return;
    await mkdir(join(this.#folder, node), { recursive: true });
    this.#made.add(node);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'error';
