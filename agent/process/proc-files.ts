/**
 * Bounded reads of a process's command line and environment. Not synchronous: the kernel may make the reader wait for a
 * process that is stuck, and then only this read hangs.
 */
import { open } from 'node:fs/promises';
import { LIMITS } from '../../shared/limits.ts';

const FIRST_READ_BYTES = 4096;

/** Arguments, or none: kernel threads and ended processes have none. Undefined when it can't be read. */
export async function readArguments(pid: number): Promise<string[] | undefined> {
  const bytes = await readBounded(`/proc/${pid}/cmdline`, LIMITS.commandLineBytes);
  if (bytes === undefined) return undefined;
  // A program that wrote a title over its arguments leaves a row of zero bytes behind it.
  const text = bytes.toString('utf8').replace(/\0+$/, '');
  return text === '' ? [] : text.split('\0');
}

/**
 * Whether the environment that the process started with has `name=value`. Undefined when there is none to be read: of
 * another user's process, of one that has gone, or of one that is becoming another program right now.
 */
export async function hasVariable(pid: number, name: string, value: string): Promise<boolean | undefined> {
  const bytes = await readBounded(`/proc/${pid}/environ`, LIMITS.processEnvironmentBytes);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const entry = `${name}=${value}\0`;
  return bytes.indexOf(entry) === 0 || bytes.includes(`\0${entry}`);
}

/** Calls `read` for every item, a few at once, and keeps the order. */
export async function readEach<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await read(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(LIMITS.procReads, items.length) }, worker));
  return results;
}

async function readBounded(path: string, limitBytes: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      let buffer = Buffer.allocUnsafe(FIRST_READ_BYTES);
      let filled = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, filled);
        filled += bytesRead;
        if (bytesRead === 0 || filled >= limitBytes) return buffer.subarray(0, filled);
        if (filled === buffer.length) buffer = Buffer.concat([buffer], Math.min(filled * 4, limitBytes));
      }
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
