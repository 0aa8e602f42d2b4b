/**
 * The file behind the replay memory: lines of JSON, each with its CRC-32, appended, synced when asked. A torn last line
 * is what a crash leaves and is dropped; anything else that doesn't add up means that the memory can't be trusted.
 */
import { open, readFile, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { FINAL_STATES } from '../../shared/states.ts';
import { Origin } from './origin.ts';

export const JournalHeader = z.strictObject({
  version: z.literal(1),
  /** What expires at or before it is refused: ids up to there were forgotten. */
  floorExpires: z.number(),
  /** What was issued at or before it is refused: memory of that time was lost. */
  floorIssued: z.number(),
  /** The same for reading commands only. */
  floorIssuedReads: z.number(),
  bootId: z.string(),
});
export type JournalHeader = z.infer<typeof JournalHeader>;

/** How a command ended, in short: what is left to say when the answers themselves are gone. */
export const Final = z.strictObject({
  kind: z.enum(['result', 'unmatched']),
  state: z.enum(FINAL_STATES).optional(),
  code: z.string().optional(),
});
export type Final = z.infer<typeof Final>;

/** A later line of the same key takes the place of an earlier one. */
export const JournalEntry = z.strictObject({
  /** Caller key and message id, see replayKey(). */
  key: z.string(),
  expires: z.number(),
  /** SHA-256 of the payload, hex; empty where only the id is known: it was burned. */
  payload: z.string(),
  /** Absent until it has ended. */
  final: Final.optional(),
  /** It changed something, or would have: how it ended is remembered for longer. */
  changes: z.literal(true).optional(),
  /** Until then, of what the next agent is to answer if this one doesn't live to. */
  origin: Origin.optional(),
});
export type JournalEntry = z.infer<typeof JournalEntry>;

export type JournalContent =
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'read'; readonly header: JournalHeader; readonly entries: JournalEntry[] };

export async function readJournal(path: string): Promise<JournalContent> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing' };
    return { kind: 'damaged', why: `it can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})` };
  }
  const lines = text.split('\n');
  // What follows the last line feed was never finished.
  lines.pop();
  const [first, ...rest] = lines.map(parseLine);
  const header = JournalHeader.safeParse(first);
  if (!header.success) return { kind: 'damaged', why: 'its first line is broken' };
  const entries: JournalEntry[] = [];
  for (const [index, line] of rest.entries()) {
    const entry = JournalEntry.safeParse(line);
    if (!entry.success) return { kind: 'damaged', why: `line ${index + 2} is broken` };
    entries.push(entry.data);
  }
  return { kind: 'read', header: header.data, entries };
}

function parseLine(line: string): unknown {
  const [checksum, ...rest] = line.split(' ');
  const json = rest.join(' ');
  if (checksum !== formatChecksum(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function formatLine(content: JournalHeader | JournalEntry): string {
  const json = JSON.stringify(content);
  return `${formatChecksum(json)} ${json}\n`;
}

const formatChecksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** An open journal. Writes happen in order; a failed one fails everything after it, too: never a hole. */
export class Journal {
  readonly #handle: FileHandle;
  #writing: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Replaces the file, atomically and synced, and opens it for appending. */
  static async create(path: string, header: JournalHeader, entries: Iterable<JournalEntry>): Promise<Journal> {
    const temporary = `${path}.new`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      let text = formatLine(header);
      for (const entry of entries) text += formatLine(entry);
      await handle.writeFile(text);
      await handle.sync();
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return new Journal(handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Resolves when the entry is written, and with `durable` when it would survive a power cut. */
  append(entry: JournalEntry, options: { durable: boolean }): Promise<void> {
    const write = this.#writing.then(async () => {
      await this.#handle.appendFile(formatLine(entry));
      if (options.durable) await this.#handle.datasync();
    });
    this.#writing = write;
    write.catch(() => undefined);
    return write;
  }

  /** Resolves when the file has what was appended so far, or never will. */
  async written(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#handle.close();
  }
}

/** A rename is durable only when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
