/** Golden audit trails: the verdict that belongs to each, held against the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HistoryTrust } from '../../../controller/audit/history-trust.ts';
import { WriterCheck } from '../../../controller/audit/verify.ts';
import { decodeAuditRecord, recordsOf } from '../../../shared/wire/audit.ts';
import { parseEnvelope } from '../../../shared/wire/envelope.ts';
import { VECTOR_FLEET } from '../../vectors/protocol/generate.ts';
import { toPlain, unhex, type AuditTrailVector } from '../../vectors/protocol/vector.ts';

const FILE = join(import.meta.dirname, '..', '..', 'vectors', 'protocol', 'audit.json');
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as AuditTrailVector[];
const { fleetId, root, subjects } = VECTOR_FLEET;

describe('an audit trail', () => {
  it.each(vectors)('$name: $verdict', ({ known, messages, now, record, records, subject, verdict }) => {
    const trust = new HistoryTrust({ fleetId, roots: [root.publicKey] });
    for (const credential of known) trust.introduce(unhex(credential));
    const check = new WriterCheck(subject, { trust, subjects }, { now });
    for (const [at, message] of messages.entries())
      check.take({ subject, data: unhex(message), place: `message ${at + 1}` });
    const { flaw } = check.finish();
    expect(flaw?.kind ?? 'holds').toBe(verdict);
    expect(flaw?.record ?? undefined).toBe(record);
    if (records === undefined) return;
    const found = messages.flatMap((message) => recordsOf(parseEnvelope(unhex(message))[3]));
    expect(found.map((bytes) => toPlain(decodeAuditRecord(bytes)))).toEqual(records);
  });
});
