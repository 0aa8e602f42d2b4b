/**
 * The files of a trail as they lie in their folder: numbered, the newest last. Reads them; writing is trail-writer.ts's.
 * Also what `fleet audit verify --file` reads.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrail, type TrailContent, type TrailHead } from './trail-lines.ts';

export interface TrailFile {
  readonly path: string;
  readonly number: number;
  bytes: number;
  /** Undefined where the file's first line can't be read. */
  readonly head: TrailHead | undefined;
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
      const { size } = await stat(path);
      return { path, number: Number.parseInt(name, 10), bytes: size, head: await readHead(path) };
    }),
  );
}

async function readHead(path: string): Promise<TrailHead | undefined> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_LINE_BYTES), 0, HEAD_LINE_BYTES, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    const [first] = parseTrail(text.slice(0, text.indexOf('\n') + 1)).lines;
    return first?.kind === 'head' ? first.head : undefined;
  } finally {
    await handle.close();
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
