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

/** What a file has. */
export interface TrailRecords {
  readonly sealed: readonly SealedBatch[];
}

/** What goes on from a file: the rest of it isn't read. */
export interface TrailEnd {
  readonly head: TrailHead;
  /** Batches that the bus may not have. */
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

interface Lines {
  readonly head: TrailHead;
  /** The first has the number that the head says, and the others follow. */
  readonly records: readonly Uint8Array[];
  readonly envelopes: readonly Uint8Array[];
  readonly confirmed: number;
}

function sort(lines: readonly TrailLine[]): Lines | undefined {
  const [first, ...rest] = lines;
  if (first?.kind !== 'head') return undefined;
  const { head } = first;
  const records: Uint8Array[] = [];
  const envelopes: Uint8Array[] = [];
  let { confirmed } = head;
  for (const line of rest)
    if (line.kind === 'record') records.push(line.bytes);
    else if (line.kind === 'batch') envelopes.push(line.envelope);
    else if (line.kind === 'confirmed') confirmed = line.seq;
    else return undefined;
  return { head, records, envelopes, confirmed };
}

/** Undefined where the batch isn't of these records. Its signature isn't looked at. */
function sealedBatch({ head, records }: Lines, envelope: Uint8Array): SealedBatch | undefined {
  const batch = batchOf(envelope);
  if (batch === undefined || batch.first < head.first || !isSame(batch.chain, head.chain)) return undefined;
  const from = batch.first - head.first;
  const own = records.slice(from, from + batch.count);
  const last = own.at(-1);
  if (last === undefined || own.length !== batch.count || !isSame(batch.last, hashRecord(last))) return undefined;
  return { batch, envelope, records: own };
}

/** Undefined where the lines don't fit together: something was changed. */
export function recordsOfTrail(lines: readonly TrailLine[]): TrailRecords | undefined {
  const sorted = sort(lines);
  const sealed = sorted?.envelopes.map((envelope) => sealedBatch(sorted, envelope));
  return sealed?.every((batch) => batch !== undefined) === true ? { sealed } : undefined;
}

/**
 * Where a file ends, and what of it the bus may not have. What it has isn't looked at: a file is opened by every command
 * line, and most of it is of long ago. Undefined where that doesn't fit together.
 */
export function endOfTrail(lines: readonly TrailLine[]): TrailEnd | undefined {
  const sorted = sort(lines);
  if (sorted === undefined) return undefined;
  const { confirmed, envelopes, head, records } = sorted;
  const sealed: SealedBatch[] = [];
  for (const envelope of envelopes.toReversed()) {
    const batch = sealedBatch(sorted, envelope);
    if (batch === undefined) return undefined;
    sealed.unshift(batch);
    if (lastSeq(batch.batch) <= confirmed) break;
  }
  const last = sealed.at(-1)?.batch;
  const sealedUpTo = last === undefined ? head.first - 1 : lastSeq(last);
  const at = readRecord(records[sealedUpTo - head.first] ?? NOTHING)?.at ?? head.prevAt;
  let end: ChainHead = { chain: head.chain, seq: sealedUpTo, hash: last?.last ?? head.prev, at };
  const unsealed: ChainedRecord[] = [];
  for (const bytes of records.slice(sealedUpTo - head.first + 1)) {
    const next = follow(end, bytes);
    if (next === undefined) return undefined;
    unsealed.push(next);
    end = { chain: head.chain, seq: next.seq, hash: next.hash, at: next.at };
  }
  return { head, sealed, unsealed, confirmed, end };
}

const NOTHING = new Uint8Array();

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
