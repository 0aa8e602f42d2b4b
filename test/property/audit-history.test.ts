/** Whatever is done to a history without its writer's key is found, and the first record that isn't as it was is named. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { HistoryTrust } from '../../controller/audit/history-trust.ts';
import { WriterCheck, type WriterVerdict } from '../../controller/audit/verify.ts';
import { encode } from '../../shared/codec.ts';
import { toHex } from '../../shared/signing.ts';
import { decodeAuditRecord } from '../../shared/wire/audit.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { changeRecords, makeHistory, type HistoryBatch } from '../support/audit-history.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { NOW } from '../support/manual-clock.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const SUBJECT = subjects.nodeAudit('db1');
let db1: Member;
let db2: Member;
beforeAll(async () => {
  [db1, db2] = await Promise.all([fleet.node('db1'), fleet.node('db2')]);
});

function verify(batches: readonly Pick<HistoryBatch, 'data'>[], subject = SUBJECT): WriterVerdict {
  const trust = new HistoryTrust({ fleetId: fleet.fleetId, roots: [fleet.root.publicKey] });
  trust.introduce(db1.credential.bytes);
  const check = new WriterCheck(subject, { trust, subjects }, { now: NOW });
  for (const [at, { data }] of batches.entries()) check.take({ subject, data, place: `message ${at + 1}` });
  return check.finish();
}

/** One to three chains, each of one to four batches of one to four records. */
const shape = fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
});
const history = (chains: readonly (readonly number[])[], byHash = true): Promise<HistoryBatch[]> =>
  makeHistory(fleet, db1, { subject: SUBJECT, chains, byHash });
const runs = { numRuns: 150 };

/** All of a message but who signed it and how. */
function contentOf(data: Uint8Array): unknown {
  const [version, payload, , attachment] = parseEnvelope(data);
  return [version, toHex(payload), attachment === undefined ? undefined : toHex(attachment)];
}

/** The number of a flaw's record, and its kind. */
const found = ({ flaw }: WriterVerdict): [string, number | null] | undefined =>
  flaw === null ? undefined : [flaw.kind, flaw.record];

describe('a history that nobody touched', () => {
  it('holds, however it was cut into batches and chains', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.boolean(), async (chains, byHash) => {
        const verdict = verify(await history(chains, byHash));
        expect(verdict.flaw).toBeNull();
        expect(verdict.records).toBe(chains.flat().reduce((sum, count) => sum + count, 0));
        expect(verdict.chains).toBe(chains.length);
        expect(verdict.notes).toHaveLength(chains.length - 1);
      }),
      runs,
    );
  });

  it('holds without its newest batches: nothing says yet that there were more', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), async (chains, cut) => {
        const batches = await history(chains);
        expect(verify(batches.slice(0, 1 + (cut % batches.length))).flaw).toBeNull();
      }),
      runs,
    );
  });
});

describe('what somebody does who has the files of the bus', () => {
  it('removing batches: the first record that is missing is named', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), fc.nat(), async (chains, a, b) => {
        const batches = await history(chains);
        fc.pre(batches.length > 1);
        const from = a % (batches.length - 1);
        const to = from + 1 + (b % (batches.length - 1 - from));
        const verdict = verify([...batches.slice(0, from), ...batches.slice(to)]);
        const [gone, next] = [batches[from]!, batches[to]!];
        // Records of a chain of which nothing is left are missed by the chain that follows them.
        const isBegun = from > 0 && batches[from - 1]!.chain === next.chain;
        const expected = gone.chain === next.chain || isBegun ? gone.first : 1;
        expect(found(verdict)).toEqual(['removed', expected]);
      }),
      runs,
    );
  });

  it('exchanging two batches', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), fc.nat(), async (chains, a, b) => {
        const batches = await history(chains);
        fc.pre(batches.length > 1);
        const [one, two] = [a % batches.length, b % batches.length];
        fc.pre(one !== two);
        const swapped = [...batches];
        [swapped[one], swapped[two]] = [batches[two]!, batches[one]!];
        const verdict = verify(swapped);
        expect(['reordered', 'removed', 'doubled']).toContain(verdict.flaw?.kind);
      }),
      runs,
    );
  });

  it('exchanging two neighbours of one chain: told from removing one', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), async (chains, a) => {
        const batches = await history(chains);
        fc.pre(batches.length > 1);
        const one = a % (batches.length - 1);
        fc.pre(batches[one]!.chain === batches[one + 1]!.chain);
        const swapped = [...batches.slice(0, one), batches[one + 1]!, batches[one]!, ...batches.slice(one + 2)];
        expect(found(verify(swapped))).toEqual(['reordered', batches[one]!.first]);
      }),
      runs,
    );
  });

  it('putting a batch there once more', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), fc.nat(), async (chains, a, b) => {
        const batches = await history(chains);
        const one = a % batches.length;
        const at = one + 1 + (b % (batches.length - one));
        const doubled = [...batches.slice(0, at), batches[one]!, ...batches.slice(at)];
        expect(found(verify(doubled))).toEqual(['doubled', batches[one]!.first]);
      }),
      runs,
    );
  });

  it('changing any byte of any message', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (chains, a, b, bits) => {
        const batches = await history(chains);
        const at = a % batches.length;
        const data = Uint8Array.from(batches[at]!.data);
        data[b % data.length]! ^= bits;
        const changed = batches.map((batch, index) => (index === at ? { ...batch, data } : batch));
        // Who signed is also known by what goes on from it: then the records are those that were written.
        if (verify(changed).holds) expect(contentOf(data)).toEqual(contentOf(batches[at]!.data));
      }),
      { numRuns: 600 },
    );
  });

  it.each<[string, (records: Uint8Array[], at: number) => Uint8Array[], (at: number, count: number) => string[]]>([
    ['taking a record out', (records, at) => records.filter((_, index) => index !== at), () => ['removed']],
    [
      'writing one twice',
      (records, at) => [...records.slice(0, at + 1), ...records.slice(at)],
      () => ['doubled', 'changed'],
    ],
    [
      'exchanging it with the next',
      (records, at) =>
        records.map((record, index) => records[index === at ? at + 1 : index === at + 1 ? at : index] ?? record),
      (at, count) => (at + 1 === count ? [] : ['reordered']),
    ],
    [
      'changing what it says',
      (records, at) =>
        records.map((record, index) =>
          index === at ? encode({ ...decodeAuditRecord(record), action: 'exec' }) : record,
        ),
      () => ['changed'],
    ],
    [
      'putting junk in its place',
      (records, at) => records.map((record, index) => (index === at ? encode([]) : record)),
      () => ['changed'],
    ],
  ])('%s, within a batch: that record is named', async (_what, change, kinds) => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), fc.nat(), async (chains, a, b) => {
        const batches = await history(chains);
        const target = batches[a % batches.length]!;
        const at = b % target.count;
        const expected = kinds(at, target.count);
        fc.pre(expected.length > 0 && target.count > 1);
        const verdict = verify(
          batches.map((batch) => (batch === target ? changeRecords(batch, (records) => change(records, at)) : batch)),
        );
        expect(expected).toContain(verdict.flaw?.kind);
        // A record that is there twice is one too many behind itself.
        const offsets = expected.includes('doubled') ? [1] : [0];
        expect(offsets.map((offset) => target.first + at + offset)).toContain(verdict.flaw?.record);
      }),
      runs,
    );
  });

  it('keeping only what is after some record, although it is too young to have gone by age', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), async (chains, a) => {
        const batches = await history(chains);
        fc.pre(batches.length > 1);
        expect(verify(batches.slice(1 + (a % (batches.length - 1)))).flaw?.kind).toBe('removed');
      }),
      runs,
    );
  });
});

describe('what somebody does who has a key of their own', () => {
  it('signing in the place of another', async () => {
    await fc.assert(
      fc.asyncProperty(shape, shape, fc.nat(), async (chains, others, a) => {
        const batches = await history(chains);
        const forged = await makeHistory(fleet, db2, { subject: SUBJECT, chains: others });
        const at = a % (batches.length + 1);
        expect(verify([...batches.slice(0, at), ...forged, ...batches.slice(at)]).flaw?.kind).toBe('foreign');
      }),
      { numRuns: 50 },
    );
  });

  it('putting a history where another one belongs', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (chains) => {
        expect(verify(await history(chains), subjects.nodeAudit('db2')).flaw?.kind).toBe('foreign');
      }),
      { numRuns: 50 },
    );
  });
});
