/** Verifies a writer's own files: the folder `audit` in an agent's state, or an operator's. Needs no bus. */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { readTrail, listTrail } from '../../shared/audit/trail-files.ts';
import { batchOf } from '../../shared/audit/trail-records.ts';
import type { TrailLine } from '../../shared/audit/trail-lines.ts';
import { UsageError } from '../../shared/errors.ts';
import type { AuditSource } from './audit-source.ts';
import { WriterCheck, type WriterVerdict } from './verify.ts';

/** @throws UsageError `no-trail` */
export async function verifyFolder(
  folder: string,
  source: Pick<AuditSource, 'trust' | 'subjects'>,
  { now }: { now: number },
): Promise<WriterVerdict> {
  const names = namesIn(folder);
  const files = names.some((name) => name.endsWith('.trail')) ? await listTrail(folder) : [];
  const contents = await Promise.all(files.map(async ({ path }) => ({ path, ...(await readTrail(path)) })));
  const subject = contents.flatMap(({ lines }) => lines.flatMap(subjectIn)).at(0);
  if (subject === undefined)
    throw new UsageError(`there is no audit trail in ${folder}`, {
      code: 'no-trail',
      hint: 'Name the folder that has the files *.trail with at least one signature: state/audit of an agent, for one.',
    });
  const check = new WriterCheck(subject, source, { now, mayBeginAnywhere: true });
  let unsigned = 0;
  for (const { path, damagedLine, lines } of contents) {
    if (damagedLine !== undefined)
      check.walk.blame({ kind: 'changed', what: `line ${damagedLine} of ${path} is not what was written there` });
    unsigned = takeLines(lines, check, basename(path));
  }
  if (unsigned > 0)
    check.walk.note(`${unsigned === 1 ? 'the newest record is' : `the newest ${unsigned} records are`} not signed yet`);
  const aside = names.filter((name) => name.endsWith('.damaged'));
  if (aside.length > 0) check.walk.note(`its writer found damaged files and set them aside: ${aside.join(', ')}`);
  return check.finish();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function subjectIn(line: TrailLine): string[] {
  const subject = line.kind === 'batch' ? batchOf(line.envelope)?.subject : undefined;
  return subject === undefined ? [] : [subject];
}

/** Gives the number of records after the last signature. */
function takeLines(lines: readonly TrailLine[], check: WriterCheck, file: string): number {
  let pending: Uint8Array[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.kind === 'record') pending.push(line.bytes);
    if (line.kind !== 'batch') continue;
    const batch = batchOf(line.envelope);
    const count = batch?.count ?? 0;
    check.take({
      subject: batch?.subject ?? '',
      data: line.envelope,
      records: pending.slice(0, count),
      place: `line ${index + 1} of ${file}`,
    });
    pending = pending.slice(count);
  }
  return pending.length;
}
