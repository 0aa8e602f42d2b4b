/** What a verdict about an audit trail goes by, beside the order of its records: age, credentials, and a writer's own files. */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { HistoryTrust } from '../../../controller/audit/history-trust.ts';
import { WriterCheck, type WriterVerdict } from '../../../controller/audit/verify.ts';
import { verifyFolder } from '../../../controller/audit/verify-folder.ts';
import { formatTrailLine, parseTrail } from '../../../shared/audit/trail-lines.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { makeHistory, type HistoryBatch } from '../../support/audit-history.ts';
import { AuditWriter, write } from '../../support/audit-writer.ts';
import { DAY_MS, FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { codeOfAsync } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const SUBJECT = subjects.nodeAudit('db1');
let db1: Member;
beforeAll(async () => {
  db1 = await fleet.node('db1');
});

const trustOf = (...introduced: readonly Member[]): HistoryTrust => {
  const trust = new HistoryTrust({ fleetId: fleet.fleetId, roots: [fleet.root.publicKey] });
  for (const { credential } of introduced) trust.introduce(credential.bytes);
  return trust;
};

function verify(
  batches: readonly HistoryBatch[],
  options: { now?: number; known?: Member[]; subject?: string } = {},
): WriterVerdict {
  const { known = [db1], now = NOW, subject = SUBJECT } = options;
  const check = new WriterCheck(subject, { trust: trustOf(...known), subjects }, { now });
  for (const [at, { data }] of batches.entries())
    check.take({ subject, data, place: `message ${at + 1} of the stream` });
  return check.finish();
}

describe('a trail of which the oldest part is gone', () => {
  const old = (): Promise<HistoryBatch[]> => makeHistory(fleet, db1, { subject: SUBJECT, chains: [[2, 2, 2]] });

  it('holds where that has aged out, and says where it begins', async () => {
    const batches = await old();
    const verdict = verify(batches.slice(1), { now: NOW + LIMITS.auditKeepMs });
    expect(verdict.flaw?.what ?? null).toBeNull();
    expect(verdict.notes).toEqual([
      'the oldest record that is kept is number 3 of its chain; the ones before it went by age',
    ]);
  });

  it('does not hold where that is younger than what is kept', async () => {
    const batches = await old();
    const verdict = verify(batches.slice(1), { now: NOW + LIMITS.auditKeepMs - DAY_MS });
    expect(verdict.flaw).toMatchObject({ kind: 'removed', record: 1 });
  });
});

describe('a chain that follows none', () => {
  it('is told of where there was one before it', async () => {
    const batches = await makeHistory(fleet, db1, { subject: SUBJECT, chains: [[1], [1]], isLinked: false });
    const { holds, notes } = verify(batches);
    expect(holds).toBe(true);
    expect(notes).toEqual([expect.stringContaining('follows none')]);
  });
});

describe('signers', () => {
  it('count as they were when they signed, whatever has become of them', async () => {
    const batches = await makeHistory(fleet, db1, { subject: SUBJECT, chains: [[2, 1]] });
    expect(verify(batches, { now: db1.credential.body.notAfter + DAY_MS }).holds).toBe(true);
  });

  it('do not count beyond the end of their credential', async () => {
    const begins = db1.credential.body.notAfter - 2_500;
    const batches = await makeHistory(fleet, db1, { subject: SUBJECT, chains: [[4]], begins });
    expect(verify(batches, { now: begins + DAY_MS }).flaw).toMatchObject({ kind: 'foreign', record: 3 });
    const later = await makeHistory(fleet, db1, { subject: SUBJECT, chains: [[4]], begins: begins + DAY_MS });
    expect(verify(later, { now: begins + 2 * DAY_MS }).flaw).toMatchObject({ kind: 'foreign', record: 1 });
  });

  it('that nobody knows are vouched for by what goes on from them, and by nothing else', async () => {
    const former = await fleet.issue('node', 'db1', { serial: 'f'.repeat(32) }, await fleet.issuer());
    const [one, two, three] = (await makeHistory(fleet, former, { subject: SUBJECT, chains: [[2, 2, 2]] })) as [
      HistoryBatch,
      HistoryBatch,
      HistoryBatch,
    ];
    const byHash = (await makeHistory(fleet, former, { subject: SUBJECT, chains: [[2, 2, 2]], byHash: true })).slice(1);
    expect(verify([one, two, three]).holds).toBe(true);
    const begun = verify(byHash, { now: NOW });
    expect(begun.flaw?.kind).toBe('removed');
    const aged = verify(byHash, { now: NOW + LIMITS.auditKeepMs });
    expect(aged.flaw).toMatchObject({ kind: 'unsigned', record: 3 });
    expect(verify(byHash, { known: [former], now: NOW + LIMITS.auditKeepMs }).holds).toBe(true);
  });

  it('are known by the credential that took the place of theirs, where the roster says so', async () => {
    const former = await fleet.issue('node', 'db1', { serial: 'f'.repeat(32) }, await fleet.issuer());
    const batches = await makeHistory(fleet, former, { subject: SUBJECT, chains: [[2, 2]], byHash: true });
    const trust = trustOf();
    const later = await fleet.node('db1', { sign: former.credential.body.sign, notBefore: NOW });
    trust.introduce(later.credential.bytes, [former.credential.hash]);
    const check = new WriterCheck(SUBJECT, { trust, subjects }, { now: NOW + LIMITS.auditKeepMs });
    check.take({ subject: SUBJECT, data: batches[1]!.data, place: '' });
    expect(check.finish()).toMatchObject({ holds: true, writer: 'db1' });
  });

  it('write under their own subject alone', async () => {
    const alice = await fleet.operator('alice');
    const batches = await makeHistory(fleet, alice, { subject: subjects.callerAudit('alice'), chains: [[1]] });
    expect(verify(batches, { subject: subjects.callerAudit('alice') })).toMatchObject({
      holds: true,
      writer: 'alice',
      kind: 'caller',
    });
    const misplaced = await makeHistory(fleet, alice, { subject: SUBJECT, chains: [[1]] });
    expect(verify(misplaced).flaw).toMatchObject({ kind: 'foreign' });
    const nodeAsCaller = await makeHistory(fleet, db1, { subject: subjects.callerAudit('db1'), chains: [[1]] });
    expect(verify(nodeAsCaller, { subject: subjects.callerAudit('db1') }).flaw).toMatchObject({ kind: 'foreign' });
  });
});

describe("what isn't a batch", () => {
  it('is named by its place', () => {
    const junk = { data: new Uint8Array([1, 2, 3]), chain: 0, first: 1, count: 1 };
    expect(verify([junk]).flaw).toMatchObject({
      kind: 'unreadable',
      what: expect.stringContaining('message 1 of the stream'),
    });
  });
});

describe("a writer's own files", () => {
  async function written(fileBytes?: number): Promise<AuditWriter> {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open(fileBytes === undefined ? {} : { fileBytes });
    for (let at = 0; at < 12; at++) {
      write(log, `e${at}`);
      await log.flush();
    }
    await log.close();
    return writer;
  }
  const check = async (folder: string): Promise<WriterVerdict> =>
    verifyFolder(folder, { trust: trustOf(), subjects }, { now: NOW });

  it('hold, over several of them, with what is not signed yet', async () => {
    const writer = await written(2_000);
    expect(readdirSync(writer.trailFolder).length).toBeGreaterThan(2);
    const verdict = await check(writer.trailFolder);
    expect(verdict).toMatchObject({ holds: true, records: 13, chains: 1, writer: 'db1', kind: 'node', notes: [] });
    const log = await writer.open();
    await log.record({ event: 'unsigned' }, { durable: true });
    const copy = temporaryFolder();
    cpSync(writer.trailFolder, copy, { recursive: true });
    await log.close();
    expect((await check(copy)).notes).toEqual(['the newest record is not signed yet']);
  });

  it.each([
    [
      'a line is changed',
      (lines: string[]) => lines.with(4, `${lines[4]!.slice(0, 30)}A${lines[4]!.slice(31)}`),
      'changed',
    ],
    ['a line is taken out', (lines: string[]) => lines.toSpliced(5, 1), 'changed'],
    [
      'a record is taken out, and written as if it never was',
      rewrite((record) => (record === 5 ? undefined : record)),
      'removed',
    ],
    ['records are exchanged', rewrite((record) => (record === 5 ? 7 : record === 7 ? 5 : record)), 'changed'],
  ])('do not hold where %s', async (_what, change, kind) => {
    const writer = await written();
    const path = writer.newest();
    const lines = readFileSync(path, 'latin1').split('\n');
    writeFileSync(path, change(lines).join('\n'), 'latin1');
    const { flaw } = await check(writer.trailFolder);
    expect(flaw).not.toBeNull();
    if (kind === 'removed') expect(flaw).toMatchObject({ record: 5 });
  });

  it('that are none are said to be none', async () => {
    expect(await codeOfAsync(() => check(temporaryFolder()))).toBe('no-trail');
    expect(await codeOfAsync(() => check(join(temporaryFolder(), 'nowhere')))).toBe('no-trail');
  });
});

/** Lines that a tool of the attacker's writes, with right checksums: record `n` is replaced by record `move(n)`, or left out. */
function rewrite(move: (record: number) => number | undefined): (lines: string[]) => string[] {
  return (texts) => {
    const { lines } = parseTrail(texts.join('\n'));
    const records = lines.filter((line) => line.kind === 'record');
    let number = 0;
    return lines
      .flatMap((line) => {
        if (line.kind !== 'record') return [formatTrailLine(line)];
        const moved = move(++number);
        const other = moved === undefined ? undefined : records[moved - 1];
        return other === undefined ? [] : [formatTrailLine(other)];
      })
      .map((text) => text.trimEnd())
      .concat('');
  };
}
