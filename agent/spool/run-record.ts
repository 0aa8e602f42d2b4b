/**
 * What a runner writes down about one program: that it is about to start, which process it is, how it ended. One line of
 * JSON each, in the run's folder; a last line that was cut short counts as not written. Nothing of what the program was
 * given stands in it: that may be secret.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ProgramOutcome } from '../../shared/actions/exec.ts';

const Begun = z.object({
  type: z.literal('begun'),
  version: z.literal(1),
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** Who asked for it; see SpooledOrigin. Kept as it is: it's the agent's own. */
  origin: z.unknown().optional(),
});

const Started = z.object({
  type: z.literal('started'),
  pid: z.number().int().positive(),
  /** In ticks since boot; with the pid it is one process and no other. */
  start: z.number(),
});

const Digest = z.object({
  /** All from the first on that there was room for. */
  bytes: z.number().int().nonnegative(),
  /** Of these, in hex. */
  sha256: z.string(),
  /** What came after them. */
  droppedBytes: z.number().int().nonnegative(),
  /** How many from the first on were written to the disk: fewer, where nobody wanted them. */
  keptBytes: z.number().int().nonnegative(),
});

export const Ended = z.object({
  type: z.literal('ended'),
  /** When the program was started, and when it had ended; milliseconds since the epoch. */
  started: z.number(),
  ended: z.number(),
  outcome: z.object({
    state: z.enum(['ok', 'failed', 'timeout', 'cancelled', 'refused', 'lost']),
    code: z.string().optional(),
    reason: z.string().optional(),
    data: ProgramOutcome.optional(),
  }),
  /** Absent where the program never started. */
  streams: z.object({ stdout: Digest, stderr: Digest }).optional(),
});
export type Ended = z.infer<typeof Ended>;

const Line = z.discriminatedUnion('type', [Begun, Started, Ended]);
export type RecordLine = z.infer<typeof Line>;

export interface RunRecord {
  readonly begun: z.infer<typeof Begun> | undefined;
  readonly started: z.infer<typeof Started> | undefined;
  readonly ended: Ended | undefined;
}

export const recordPath = (folder: string): string => join(folder, 'record');

/** Undefined when there is none. */
export async function readRunRecord(folder: string): Promise<RunRecord | undefined> {
  const text = await readFile(recordPath(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n').map(parseLine);
  const find = <Type extends RecordLine['type']>(type: Type): Extract<RecordLine, { type: Type }> | undefined =>
    lines.find((line): line is Extract<RecordLine, { type: Type }> => line?.type === type);
  return { begun: find('begun'), started: find('started'), ended: find('ended') };
}

export const formatRecordLine = (line: RecordLine): string => `${JSON.stringify(line)}\n`;

function parseLine(text: string): RecordLine | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
