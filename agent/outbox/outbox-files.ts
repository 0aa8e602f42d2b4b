/**
 * What waits to be confirmed by the bus, as it lies on the disk: one file for each answer, numbered in the order they were
 * given. A file is there whole or not at all.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { decode, encode } from '../../shared/codec.ts';
import { LIMITS } from '../../shared/limits.ts';
import { Bytes } from '../../shared/wire/signed-bytes.ts';
import { Final, syncFolder } from '../replay/journal.ts';

export const OutboxRecord = z.strictObject({
  version: z.literal(1),
  /** Where the bus stores it. */
  subject: z.string().min(1),
  /** Output goes first where room is needed. */
  kind: z.enum(['final', 'output']),
  /** Of the command that it answers, see replayKey(). */
  key: z.string(),
  /** How the command ended, for a replay memory that was not written in time. */
  final: Final.optional(),
  /** When it was put here, by the node's clock. */
  at: z.number(),
  /** Signed, in the order in which they are sent. */
  messages: z.array(Bytes).min(1),
});
export type OutboxRecord = z.infer<typeof OutboxRecord>;

export interface OutboxFile {
  readonly number: number;
  readonly bytes: number;
  readonly record: OutboxRecord;
}

const pathOf = (folder: string, number: number): string => join(folder, `${String(number).padStart(12, '0')}.msg`);

/** Oldest first; hands over one after another. What can't be read is put aside, and told. Makes the folder. */
export async function readOutbox(
  folder: string,
  onFile: (file: OutboxFile) => void,
  onDamaged: (path: string) => void,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  // What a crash left half written.
  for (const name of names.filter((one) => one.endsWith('.new'))) await rm(join(folder, name), { force: true });
  for (const name of names.filter((one) => /^\d{12}\.msg$/.test(one)).sort()) {
    const number = Number.parseInt(name, 10);
    try {
      const bytes = await readFile(join(folder, name));
      onFile({ number, bytes: bytes.length, record: parse(bytes) });
    } catch {
      await rename(join(folder, name), join(folder, `${name}.damaged`));
      onDamaged(join(folder, `${name}.damaged`));
    }
  }
}

export async function readOutboxFile(folder: string, number: number): Promise<OutboxRecord> {
  return parse(await readFile(pathOf(folder, number)));
}

/** Resolves with its size when it would survive a power cut. */
export async function writeOutboxFile(folder: string, number: number, record: OutboxRecord): Promise<number> {
  const bytes = encode(record);
  const path = pathOf(folder, number);
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folder);
  return bytes.length;
}

export const removeOutboxFile = (folder: string, number: number): Promise<void> =>
  rm(pathOf(folder, number), { force: true });

const parse = (bytes: Uint8Array): OutboxRecord => OutboxRecord.parse(decode(bytes, LIMITS.outboxRecordBytes));
