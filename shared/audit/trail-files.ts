/**
 * The files of a trail as they lie in their folder: numbered, the newest last. Reads them; writing is trail-writer.ts's.
 * Also what `fleet audit verify --file` reads.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrail, type TrailContent, type TrailHead } from './trail-lines.ts';

/** One file; its first line is read when somebody asks for it: most are looked at by name and size alone. */
export class TrailFile {
  readonly path: string;
  readonly number: number;
  bytes: number;
  #head: { readonly found: TrailHead | undefined } | undefined;

  constructor(path: string, number: number, bytes: number, head?: TrailHead) {
    this.path = path;
    this.number = number;
    this.bytes = bytes;
    if (head !== undefined) this.#head = { found: head };
  }

  /** Undefined where it can't be read. */
  get head(): TrailHead | undefined {
    this.#head ??= { found: readHead(this.path) };
    return this.#head.found;
  }
}

const SUFFIX = '.trail';
const HEAD_LINE_BYTES = 512;

export const trailPath = (folder: string, number: number): string =>
  join(folder, `${String(number).padStart(8, '0')}${SUFFIX}`);

/** Oldest first. Makes the folder. */
export async function listTrail(folder: string): Promise<TrailFile[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => /^\d{8}\.trail$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return new TrailFile(path, Number.parseInt(name, 10), (await stat(path)).size);
    }),
  );
}

function readHead(path: string): TrailHead | undefined {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(HEAD_LINE_BYTES);
    const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, HEAD_LINE_BYTES, 0));
    const [first] = parseTrail(text.slice(0, text.indexOf('\n') + 1)).lines;
    return first?.kind === 'head' ? first.head : undefined;
  } finally {
    closeSync(file);
  }
}

export const readTrail = async (path: string): Promise<TrailContent> => parseTrail(await readFile(path, 'latin1'));

/** Out of the way, and kept for whoever wants to know what happened. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.damaged`;
  await rename(path, aside);
  return aside;
}

export const removeTrail = (path: string): Promise<void> => rm(path, { force: true });
