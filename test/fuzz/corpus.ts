/**
 * Inputs on the disk: one file each, named by what is in it. `corpus/` holds the smallest inputs that together reach all
 * that was ever reached; `crashes/` what once broke something, for good.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StoredInput {
  readonly file: string;
  readonly bytes: Uint8Array;
}

export type InputKind = 'corpus' | 'crashes';

/** First 16 hexadecimal digits of SHA-256. */
export function inputName(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** In the order of their names. */
export function readInputs(folder: string, kind: InputKind, target: string): StoredInput[] {
  const path = join(folder, kind, target);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .sort()
    .map((file) => ({ file, bytes: new Uint8Array(readFileSync(join(path, file))) }));
}

/** Gives the path of the file. */
export function writeInput(folder: string, kind: InputKind, target: string, bytes: Uint8Array): string {
  const path = join(folder, kind, target);
  mkdirSync(path, { recursive: true });
  const file = join(path, inputName(bytes));
  writeFileSync(file, bytes);
  return file;
}

/** Makes the corpus of a target be these inputs. */
export function replaceCorpus(folder: string, target: string, inputs: readonly Uint8Array[]): void {
  const kept = new Set(inputs.map(inputName));
  for (const { file } of readInputs(folder, 'corpus', target))
    if (!kept.has(file)) rmSync(join(folder, 'corpus', target, file));
  for (const bytes of inputs) writeInput(folder, 'corpus', target, bytes);
}
