/** What the lines of a trail file mean together: signed batches with their records, and records that wait for a signature. */
import { asBuffer } from '../signing.ts';
import {
  decodeAuditBatch,
  decodeAuditRecord,
  hashRecord,
  type AuditBatch,
  type AuditEvent,
  type AuditRecord,
} from '../wire/audit.ts';
import { parseEnvelope } from '../wire/envelope.ts';
import type { ChainedRecord, ChainHead } from './chain.ts';
import type { TrailHead, TrailLine } from './trail-lines.ts';

/** A batch that was signed, with its records. */
export interface SealedBatch {
  readonly batch: AuditBatch;
  readonly envelope: Uint8Array;
  readonly records: readonly Uint8Array[];
}

export interface TrailRecords {
  readonly head: TrailHead;
  readonly sealed: readonly SealedBatch[];
  readonly unsealed: readonly ChainedRecord[];
  /** `seq` of the last record that the bus had when the last line was written. */
  readonly confirmed: number;
  /** Where the chain ends by then. */
  readonly end: ChainHead;
}

/** An event, and when it happened. */
export interface PastEvent {
  readonly at: number;
  readonly event: AuditEvent;
}

/** Undefined where the lines don't fit together: something was changed. Signatures are not looked at. */
export function recordsOfTrail(lines: readonly TrailLine[]): TrailRecords | undefined {
  const [first, ...rest] = lines;
  if (first?.kind !== 'head') return undefined;
  const { head } = first;
  const sealed: SealedBatch[] = [];
  let pending: ChainedRecord[] = [];
  let { confirmed } = head;
  let end: ChainHead = { chain: head.chain, seq: head.first - 1, hash: head.prev, at: head.prevAt };
  for (const line of rest) {
    if (line.kind === 'head') return undefined;
    if (line.kind === 'confirmed') confirmed = line.seq;
    if (line.kind === 'record') {
      const next = follow(end, line.bytes);
      if (next === undefined) return undefined;
      pending.push(next);
      end = { chain: head.chain, seq: next.seq, hash: next.hash, at: next.at };
    }
    if (line.kind === 'batch') {
      const batch = batchOf(line.envelope);
      if (batch === undefined || batch.first !== pending[0]?.seq) return undefined;
      const last = pending[batch.count - 1];
      if (last === undefined || !isSame(batch.last, last.hash)) return undefined;
      sealed.push({ batch, envelope: line.envelope, records: pending.slice(0, batch.count).map(({ bytes }) => bytes) });
      pending = pending.slice(batch.count);
    }
  }
  return { head, sealed, unsealed: pending, confirmed, end };
}

/** The record with its place, if that is right behind the end. */
function follow(end: ChainHead, bytes: Uint8Array): ChainedRecord | undefined {
  const record = readRecord(bytes);
  if (record === undefined || record.seq !== end.seq + 1) return undefined;
  if (!isSame(record.chain, end.chain) || !isSame(record.prev, end.hash)) return undefined;
  const { seq, at } = record;
  return { bytes, seq, at, hash: hashRecord(bytes), prev: end.hash, prevAt: end.at };
}

export function readRecord(bytes: Uint8Array): AuditRecord | undefined {
  try {
    return decodeAuditRecord(bytes);
  } catch {
    return undefined;
  }
}

/** What a batch's envelope says; nothing vouches for it here. */
export function batchOf(envelope: Uint8Array): AuditBatch | undefined {
  try {
    return decodeAuditBatch(parseEnvelope(envelope)[1]);
  } catch {
    return undefined;
  }
}

/** What records say that the bus doesn't have, without their places; what can't be read says nothing. */
export function eventsAfter(confirmed: number, records: readonly Uint8Array[]): PastEvent[] {
  return records.flatMap((bytes) => {
    const record = readRecord(bytes);
    if (record === undefined || record.seq <= confirmed) return [];
    const { chain: _chain, seq: _seq, prev: _prev, who: _who, at, ...event } = record;
    return [{ at, event }];
  });
}

export const lastSeq = ({ first, count }: AuditBatch): number => first + count - 1;

export const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(asBuffer(a), asBuffer(b)) === 0;
