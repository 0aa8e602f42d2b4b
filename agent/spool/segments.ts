/**
 * Kept output on the disk: files in the run's folder, each named by its stream and the offset of its first byte, the next
 * where the one before ends. The runner writes them; the agent reads them, and both remove what was handed over.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputStream } from '../../shared/wire/result.ts';

const NAME = /^(stdout|stderr)\.(\d{15})$/;

export const segmentPath = (folder: string, stream: OutputStream, start: number): string =>
  join(folder, `${stream}.${String(start).padStart(15, '0')}`);

/** Starts of the files of a stream, in order. Empty where the folder has gone. */
function startsOf(folder: string, stream: OutputStream): number[] {
  return namesIn(folder)
    .flatMap((name) => {
      const [, of, start] = NAME.exec(name) ?? [];
      return of === stream ? [Number(start)] : [];
    })
    .sort((a, b) => a - b);
}

/** At most so many bytes from there on; none where there are none. */
export async function readSegments(
  folder: string,
  stream: OutputStream,
  offset: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const start = startsOf(folder, stream).findLast((one) => one <= offset);
  if (start === undefined || maxBytes <= 0) return new Uint8Array();
  try {
    const file = await open(segmentPath(folder, stream, start), 'r');
    try {
      const buffer = Buffer.allocUnsafe(maxBytes);
      const { bytesRead } = await file.read(buffer, 0, maxBytes, offset - start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    // It was let go of meanwhile.
    return new Uint8Array();
  }
}

export interface KeptBytes {
  /** Offset of the first byte that is there, and behind the last; both undefined where there is none. */
  readonly from: number | undefined;
  readonly end: number | undefined;
}

export function measureSegments(folder: string, stream: OutputStream): KeptBytes {
  const starts = startsOf(folder, stream);
  const last = starts.at(-1);
  if (last === undefined) return { from: undefined, end: undefined };
  return { from: starts[0], end: last + sizeOf(segmentPath(folder, stream, last)) };
}

/** What lies before an offset goes, as far as whole files do. */
export function removeSegments(folder: string, stream: OutputStream, offset: number): void {
  const starts = startsOf(folder, stream);
  for (const [at, start] of starts.entries()) {
    const path = segmentPath(folder, stream, start);
    const end = starts[at + 1] ?? start + sizeOf(path);
    if (end <= offset) rmSync(path, { force: true });
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
