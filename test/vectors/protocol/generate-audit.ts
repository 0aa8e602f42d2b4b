/** Vectors of audit trails: what somebody finds under a subject, in this order, and what is the first thing wrong with it. */
import { AuditChain, type ChainHead } from '../../../shared/audit/chain.ts';
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import {
  decodeAuditRecord,
  NO_RECORD,
  recordsOf,
  sealAuditBatch,
  withRecords,
  type AuditEvent,
} from '../../../shared/wire/audit.ts';
import { parseEnvelope } from '../../../shared/wire/envelope.ts';
import type { FleetMaterial, Member } from '../../support/fleet-material.ts';
import { bytesFrom } from '../../support/keys.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { hex, toPlain, type AuditTrailVector } from './vector.ts';

const HOUR_MS = 60 * 60_000;
const at = (index: number): number => NOW - HOUR_MS + index * 1_000;

export async function auditVectors(fleet: FleetMaterial): Promise<AuditTrailVector[]> {
  const [alice, db1, db2] = [await fleet.operator('alice'), await fleet.node('db1'), await fleet.node('db2')];
  const subject = fleet.subjects.nodeAudit('db1');
  const vectors: AuditTrailVector[] = [];
  const add = (name: string, messages: readonly Uint8Array[], verdict: string, more: Partial<AuditTrailVector> = {}): void =>
    void vectors.push({ name, subject, now: NOW, known: [], messages: messages.map(hex), verdict, ...more });

  const caller = { name: 'alice', serial: alice.credential.body.serial, kind: 'operator' };
  const asked = { caller, job: '01kezzzzzzzzzzzzzzzzzzzzzz', id: bytesFrom('command/1', 16), action: 'exec' };
  const events: AuditEvent[] = [
    { event: 'chain-begun', details: { reason: 'new' } },
    { event: 'agent-start', details: { version: '0.1.0' } },
    { event: 'started', ...asked, args: { argv: ['true'] }, target: { via: 'direct', named: 2 }, decision: { allowed: true, rule: 'roles.operator.allow[0]' } },
    { event: 'ended', ...asked, outcome: { state: 'ok', exit: 0, ms: 7 } },
    { event: 'refused', ...asked, action: 'fly', decision: { allowed: false, code: 'no-such-action' } },
    { event: 'dropped', details: { 'bad-signature': 3 } },
  ]; // prettier-ignore
  const writer = new Writer(fleet, db1, subject, 'chain/1');
  const one = await writer.batch(events.slice(0, 2));
  const two = await writer.batch(events.slice(2, 4), false);
  const three = await writer.batch(events.slice(4), false);
  const known = [hex(db1.credential.bytes)];
  const whole = [one, two, three];
  add('three batches of one chain', whole, 'holds', { records: events.map((_, index) => toPlain(recordAt(whole, index))) });
  add('nothing at all', [], 'holds', { records: [] });
  add('without its newest batch', [one, two], 'holds');
  add('whose second batch is missing', [one, three], 'removed', { record: 3 });
  add('whose first batch is missing', [two, three], 'removed', { record: 1, known });
  add('whose first batch has aged out', [two, three], 'holds', { known, now: at(2) + LIMITS.auditKeepMs + HOUR_MS });
  add('with two batches exchanged', [one, three, two], 'reordered', { record: 3 });
  add('with a batch twice', [one, two, two, three], 'doubled', { record: 3 });
  add('with a record changed', [one, change(two, (records) => [patch(records[0]!, { action: 'ping' }), records[1]!]), three], 'changed', { record: 3 });
  add('with the last record of a batch changed', [one, change(two, (records) => [records[0]!, patch(records[1]!, { action: 'ping' })]), three], 'changed', { record: 4 });
  add('with a record taken out', [one, change(two, (records) => records.slice(1)), three], 'removed', { record: 3 });
  add('with records exchanged in a batch', [one, change(two, (records) => [records[1]!, records[0]!]), three], 'reordered', { record: 3 });
  add('with a batch that has no records', [one, strip(two), three], 'unreadable');
  add('with something else between', [one, encode({}), two, three], 'unreadable');
  add('whose signer nobody knows, but for what goes on from it', [change(one, (records) => records, NO_RECORD), await new Writer(fleet, db1, subject, 'chain/1', events.slice(0, 2)).batch(events.slice(2))], 'holds');
  add('whose signer nobody knows', [change(one, (records) => records, NO_RECORD)], 'unsigned', { record: 1 });
  add('signed by another node', [await new Writer(fleet, db2, subject, 'chain/1').batch(events)], 'foreign', { record: 1 });
  add('signed by an operator', [await new Writer(fleet, alice, subject, 'chain/1').batch(events)], 'foreign', { record: 1 });
  add('of another node, signed for its own subject', [await new Writer(fleet, db2, fleet.subjects.nodeAudit('db2'), 'chain/1').batch(events)], 'foreign', { record: 1 });
  add('by a credential that had ended', [await new Writer(fleet, await fleet.node('db1', { notAfter: at(1) }), subject, 'chain/1').batch(events)], 'foreign', { record: 1 });
  add('by a credential that has ended since', whole, 'holds', { now: db1.credential.body.notAfter + 1 });
  const next = new Writer(fleet, db1, subject, 'chain/2', [], writer.head);
  const following = await next.batch([{ event: 'chain-begun', details: { reason: 'damaged' } }]);
  add('with a new chain that follows it', [...whole, following], 'holds');
  add('with a new chain that follows a batch that is missing', [one, two, following], 'removed', { record: 1 });
  add('of an operator', [await new Writer(fleet, alice, fleet.subjects.callerAudit('alice'), 'chain/1').batch([{ event: 'asked', job: asked.job, action: 'exec', args: { argv: ['true'] }, target: { said: '--node db1' }, outcome: { expected: 1 } }])], 'holds', { subject: fleet.subjects.callerAudit('alice') });
  add('of an issuer', [await new Writer(fleet, await fleet.issuer(), fleet.subjects.serviceAudit('issuer'), 'chain/1').batch([{ event: 'issue', details: { kind: 'node', name: 'db1' } }])], 'holds', { subject: fleet.subjects.serviceAudit('issuer') });
  return vectors;
} // prettier-ignore

/** Writes one chain; its id follows from a label, and a second lies between two records. */
class Writer {
  readonly #fleet: FleetMaterial;
  readonly #by: Member;
  readonly #subject: string;
  readonly #clock = new ManualClock(at(0));
  readonly #chain: AuditChain;

  constructor(fleet: FleetMaterial, by: Member, subject: string, label: string, before: AuditEvent[] = [], after?: ChainHead) {
    this.#fleet = fleet;
    this.#by = by;
    this.#subject = subject;
    const head = { chain: bytesFrom(label, 16), seq: 0, hash: after?.hash ?? NO_RECORD, at: after?.at };
    this.#chain = new AuditChain(head, { who: by.credential.body.name, clock: this.#clock });
    for (const event of before) this.#append(event);
  }

  get head(): ChainHead {
    return this.#chain.head;
  }

  async batch(events: readonly AuditEvent[], inlineCredential = true): Promise<Uint8Array> {
    const records = events.map((event) => this.#append(event));
    const [first] = records;
    const { chain, hash: last } = this.head;
    if (first === undefined) throw new Error('a batch of nothing');
    const { prev, prevAt, seq } = first;
    const batch = { subject: this.#subject, chain, first: seq, count: records.length, prev, ...(prevAt === undefined ? {} : { prevAt }), last };
    const envelope = await sealAuditBatch(this.#fleet.fleetId, this.#by, batch, { inlineCredential });
    return withRecords(envelope, records.map(({ bytes }) => bytes));
  } // prettier-ignore

  #append(event: AuditEvent): ReturnType<AuditChain['append']> {
    this.#clock.advance(1_000);
    return this.#chain.append(event);
  }
}

function recordAt(messages: readonly Uint8Array[], index: number): unknown {
  const records = messages.flatMap((message) => recordsOf(parseEnvelope(message)[3]));
  return decodeAuditRecord(records[index] ?? new Uint8Array());
}

/** With other records, or with the hash of another credential, under the signature that was there. */
function change(message: Uint8Array, map: (records: Uint8Array[]) => Uint8Array[], credential?: Uint8Array): Uint8Array {
  const [version, payload, signatures, attachment] = parseEnvelope(message);
  const signed = signatures.map(([alg, reference, signature]) => [alg, credential ?? reference, signature]);
  return encode([version, payload, signed, encode(map(recordsOf(attachment)))]);
}

function strip(message: Uint8Array): Uint8Array {
  const [version, payload, signatures] = parseEnvelope(message);
  return encode([version, payload, signatures]);
}

const patch = (record: Uint8Array, changes: object): Uint8Array => encode({ ...decodeAuditRecord(record), ...changes });
