/**
 * Audit trails as somebody left them on the bus: batches taken away, changed, doubled and moved by who has no key, or made
 * up by their own writer. A trail is said to hold only where every record follows the one before it.
 */
import { HistoryTrust } from '../../../controller/audit/history-trust.ts';
import { WriterCheck } from '../../../controller/audit/verify.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { toHex } from '../../../shared/signing.ts';
import { decodeAuditBatch, decodeAuditRecord, hashRecord, recordsOf, withRecords } from '../../../shared/wire/audit.ts';
import { parseEnvelope, seal } from '../../../shared/wire/envelope.ts';
import { makeHistory } from '../../support/audit-history.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const auditWalk: FuzzTarget = {
  name: 'audit-walk',
  about:
    'audit trails that somebody changed, or that their writer made up: none holds that has a gap or a false record',
  sources: ['controller/audit/chain-walk.ts', 'controller/audit/open-batch.ts', 'controller/audit/verify.ts'],
  maxBytes: 16 * 1024,
  shape: 'tree',
  dictionary: 'batch records subject chain first count prev prevAt last event seq at who command ended crit'.split(' '),
  work: { base: 3_000_000, perByte: 5_000 },
  start,
};

const MOST_BATCHES = 12;

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const db1 = await fleet.node('db1');
  const subject = fleet.subjects.nodeAudit('db1');
  const histories = await Promise.all(
    [[[2, 1, 2]], [[1, 1], [2]]].map((chains) => makeHistory(fleet, db1, { subject, chains })),
  );
  const seeds = histories.map((batches) => batches.map(({ data }) => new Uint8Array(data)));
  // The same, open to any change: signed by the writer itself.
  const [whole = []] = seeds;
  const madeUp = whole.map((data) => {
    const [, payload, , attachment] = parseEnvelope(data);
    return { batch: decode(payload), records: recordsOf(attachment) };
  });
  return {
    seeds: [...seeds, madeUp].map((batches) => encode(batches)),
    run: async (input) => {
      let items: unknown;
      if (codeOf(() => (items = decode(input))) !== 'accepted' || !Array.isArray(items)) return 'no trail';
      const trust = new HistoryTrust({ fleetId: fleet.fleetId, roots: [fleet.root.publicKey] });
      trust.introduce(db1.credential.bytes);
      const check = new WriterCheck(subject, { trust, subjects: fleet.subjects }, { now: fleet.now });
      const found: Uint8Array[] = [];
      for (const item of (items as unknown[]).slice(0, MOST_BATCHES)) {
        const data = await batchOf(item, db1, fleet.fleetId);
        if (data === undefined) continue;
        found.push(data);
        check.take({ subject, data, place: `message ${found.length}` });
      }
      const { holds, flaw, records } = check.finish();
      promise(holds === (flaw === null), 'neither holds nor has a flaw, or both');
      if (holds) assertGapless(found, records);
      return flaw?.kind ?? (records > 0 ? 'holds' : 'empty');
    },
  };
}

/** Bytes are as they are; what is open is signed by the writer. */
async function batchOf(item: unknown, by: Member, fleetId: string): Promise<Uint8Array | undefined> {
  if (item instanceof Uint8Array) return item;
  const { batch = null, records } = (item ?? {}) as { batch?: unknown; records?: unknown };
  if (!Array.isArray(records)) return undefined;
  const bytes = (records as unknown[]).map((one) => (one instanceof Uint8Array ? one : encode(one ?? null)));
  return withRecords(await seal('audit', fleetId, by, encode(batch), { inlineCredential: true }), bytes);
}

/** Every record names the one before it of its chain, and all were counted. */
function assertGapless(batches: readonly Uint8Array[], counted: number): void {
  const ends = new Map<string, { seq: number; hash: string }>();
  let records = 0;
  for (const data of batches) {
    const [, payload, , attachment] = parseEnvelope(data);
    const batch = decodeAuditBatch(payload);
    for (const bytes of recordsOf(attachment)) {
      const { chain, prev, seq } = decodeAuditRecord(bytes);
      const end = ends.get(toHex(chain));
      promise(toHex(chain) === toHex(batch.chain), 'a record of another chain than its batch');
      promise(end === undefined || (seq === end.seq + 1 && toHex(prev) === end.hash), 'holds in spite of a gap');
      ends.set(toHex(chain), { seq, hash: toHex(hashRecord(bytes)) });
      records++;
    }
  }
  promise(records === counted, 'holds, and records were not counted');
}
