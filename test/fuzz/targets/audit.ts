/** The audit trail: batches on the bus, without the writer's key, and the lines of a file on the disk. */
import { newChain, AuditChain } from '../../../shared/audit/chain.ts';
import { readLast } from '../../../shared/audit/last-batch.ts';
import { formatTrailLine, parseTrail } from '../../../shared/audit/trail-lines.ts';
import { recordsOfTrail } from '../../../shared/audit/trail-records.ts';
import { toHex } from '../../../shared/signing.ts';
import { decodeAuditRecord, recordsOf, sealAuditBatch, withRecords } from '../../../shared/wire/audit.ts';
import { parseEnvelope } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const audit: FuzzTarget = {
  name: 'audit',
  about: "audit batches and trail files without the writer's key: nothing counts as its own but what it signed",
  sources: [
    'shared/audit/last-batch.ts',
    'shared/audit/trail-lines.ts',
    'shared/audit/trail-records.ts',
    'shared/wire/audit.ts',
  ],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'subject chain first count prev prevAt last event caller job id action task args target decision outcome times details seq at who'.split(
      ' ',
    ),
  work: { base: 1_000_000, perByte: 5_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const db1 = await fleet.node('db1');
  const chain = new AuditChain({ ...newChain(), chain: new Uint8Array(16) }, { who: 'db1', clock: new ManualClock() });
  const records = [
    chain.append({
      event: 'command',
      caller: { name: 'alice', serial: '0a', kind: 'operator' },
      action: 'ping',
      args: {},
    }),
    chain.append({
      event: 'ended',
      outcome: { state: 'ok', ms: 5 },
      decision: { allowed: true, rule: 'roles.a.allow[0]' },
    }),
  ];
  const [first, last] = [records[0]!, records[1]!];
  const batch = {
    subject: fleet.subjects.nodeAudit('db1'),
    chain: chain.head.chain,
    first: 1,
    count: 2,
    prev: first.prev,
    last: last.hash,
  };
  const envelope = await sealAuditBatch(fleet.fleetId, db1, batch, { inlineCredential: true });
  const sent = withRecords(
    envelope,
    records.map(({ bytes }) => bytes),
  );
  const signed = toHex(parseEnvelope(envelope)[1]);
  const lines = [
    formatTrailLine({
      kind: 'head',
      head: { version: 1, chain: batch.chain, first: 1, prev: first.prev, confirmed: 0 },
    }),
    ...records.map(({ bytes }) => formatTrailLine({ kind: 'record', bytes })),
    formatTrailLine({ kind: 'batch', envelope }),
    formatTrailLine({ kind: 'confirmed', seq: 2 }),
  ];
  return {
    seeds: [
      sent,
      envelope,
      first.bytes,
      last.bytes,
      Buffer.from(lines.join('')),
      Buffer.from(lines.slice(0, 3).join('')),
    ],
    run: (input) => {
      const read = readLast(input, fleet.fleetId, db1);
      if (read?.isOwn === true) promise(toHex(parseEnvelope(input)[1]) === signed, 'counts as its own, never signed');
      const record = codeOf(() => decodeAuditRecord(input));
      const attached = codeOf(() => recordsOf(input));
      const trail = parseTrail(Buffer.from(input).toString('latin1'));
      promise(trail.goodBytes <= input.length, 'more good bytes than there are');
      const kept = recordsOfTrail(trail.lines);
      if (kept !== undefined && kept.sealed.length > 0)
        promise(
          kept.sealed.every((one) => one.records.length === one.batch.count),
          'a batch without all its records',
        );
      const batchWord = read === undefined ? 'no batch' : read.isOwn ? 'own' : "another's";
      return [
        batchWord,
        record,
        attached,
        trail.lines.length > 0,
        trail.damagedLine !== undefined,
        kept?.sealed.length ?? '-',
      ].join(' ');
    },
  };
}
