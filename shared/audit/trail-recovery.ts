/**
 * What an earlier process left of a trail: the file that can be gone on with, or what has to be carried over into a new
 * chain where none can. A line that was never finished is left out; a damaged file is set aside, never removed.
 */
import type { Logger } from '../logger.ts';
import { listTrail, readTrail, removeTrail, setAside, type TrailFile } from './trail-files.ts';
import type { TrailLine } from './trail-lines.ts';
import { endOfTrail, eventsAfter, isSame, type PastEvent, type TrailEnd } from './trail-records.ts';

export interface RecoveredTrail {
  readonly files: TrailFile[];
  /** The newest of `files`, to be gone on with; undefined where a new chain begins. */
  readonly last: { readonly file: TrailFile; readonly records: TrailEnd } | undefined;
  /** Why a new chain begins: `new`, `damaged`. */
  readonly reason: string;
  /** What the bus doesn't have of a damaged file. */
  readonly carried: readonly PastEvent[];
}

/** Throws what the file system throws. */
export async function recoverTrail(folder: string, log: Logger): Promise<RecoveredTrail> {
  const files = await listTrail(folder);
  for (let file = files.at(-1); file !== undefined; file = files.at(-1)) {
    const { damagedLine, goodBytes, lines } = await readTrail(file.path);
    const records = damagedLine === undefined ? endOfTrail(lines) : undefined;
    if (records !== undefined) {
      if (file.bytes > goodBytes)
        log.warn(
          { file: file.path, bytes: file.bytes - goodBytes },
          'a line of the audit trail was never finished: cut off',
        );
      file.bytes = goodBytes;
      return { files, last: { file, records }, reason: 'new', carried: [] };
    }
    files.pop();
    // Without a line it was made, and nothing else: killed before its first.
    if (lines.length === 0 && damagedLine === undefined) {
      await removeTrail(file.path);
      continue;
    }
    const carried = await saveFrom(lines, files, file.head);
    log.error(
      { file: await setAside(file.path), line: damagedLine, saved: carried.length },
      'a file of the audit trail was changed or damaged: it is set aside, and a new chain begins',
    );
    return { files, last: undefined, reason: 'damaged', carried };
  }
  return { files, last: undefined, reason: 'new', carried: [] };
}

/** What a damaged file and those before it say that the bus doesn't have, as far as they can be read. */
async function saveFrom(
  lines: readonly TrailLine[],
  files: readonly TrailFile[],
  head: TrailFile['head'],
): Promise<PastEvent[]> {
  const confirmed = Math.max(head?.confirmed ?? 0, ...lines.map((line) => (line.kind === 'confirmed' ? line.seq : 0)));
  const saved: PastEvent[] = [];
  for (const { head: earlier, path } of files)
    if (head !== undefined && earlier !== undefined && isSame(earlier.chain, head.chain) && confirmed < head.first - 1)
      saved.push(...eventsAfter(confirmed, recordLines((await readTrail(path)).lines)));
  return [...saved, ...eventsAfter(confirmed, recordLines(lines))];
}

const recordLines = (lines: readonly TrailLine[]): Uint8Array[] =>
  lines.flatMap((line) => (line.kind === 'record' ? [line.bytes] : []));
