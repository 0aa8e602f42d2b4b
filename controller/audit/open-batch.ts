/**
 * A stored batch, looked at by itself: is it signed by who may write there, and are its records those that were signed?
 * What it says of the ones before it is chain-walk.ts's to ask.
 */
import { FleetError } from '../../shared/errors.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { VerifiedCredential } from '../../shared/trust.ts';
import { isSame } from '../../shared/audit/trail-records.ts';
import {
  decodeAuditBatch,
  decodeAuditRecord,
  hashRecord,
  recordsOf,
  type AuditBatch,
  type AuditRecord,
} from '../../shared/wire/audit.ts';
import { open, parseEnvelope } from '../../shared/wire/envelope.ts';
import type { Flaw, FlawKind } from './flaw.ts';
import type { HistoryTrust } from './history-trust.ts';

/** A batch as it was found. */
export interface FoundBatch {
  /** Where it was found. */
  readonly subject: string;
  /** Envelope, with the records attached or not. */
  readonly data: Uint8Array;
  /** Where they aren't attached. */
  readonly records?: readonly Uint8Array[] | undefined;
  /** For words about what can't be read: `message 17 of the stream`. */
  readonly place: string;
}

export interface OpenedBatch {
  readonly batch: AuditBatch;
  /** Those that can be read. */
  readonly records: readonly AuditRecord[];
  /** Undefined: nothing says yet who signed it. */
  readonly signer: VerifiedCredential | undefined;
  /** The first of its records that isn't what was signed, or why nothing of it counts. */
  readonly flaw: Flaw | undefined;
}

/** Undefined `batch` where nothing of it can be read, or nobody vouches for it. */
export function openBatch(
  found: FoundBatch,
  { trust, subjects }: { trust: HistoryTrust; subjects: Subjects },
): OpenedBatch | { readonly batch: undefined; readonly flaw: Flaw } {
  let batch: AuditBatch;
  let bytes: readonly Uint8Array[];
  try {
    const [, payload, , attachment] = parseEnvelope(found.data);
    batch = decodeAuditBatch(payload);
    bytes = found.records ?? recordsOf(attachment);
  } catch (error) {
    return {
      batch: undefined,
      flaw: { kind: 'unreadable', what: `${found.place} is no batch of audit records: ${reasonOf(error)}` },
    };
  }
  const foreign = (what: string, kind: FlawKind = 'foreign'): { batch: undefined; flaw: Flaw } => ({
    batch: undefined,
    flaw: { kind, chain: batch.chain, seq: batch.first, what },
  });
  if (batch.subject !== found.subject) return foreign(`it was signed for ${batch.subject}, and put here`);
  const records = bytes.map(readRecord);
  const inner = firstBadRecord(batch, bytes, records);
  trust.lookAt(records.find((record) => record !== undefined)?.at ?? batch.prevAt ?? 0);
  let signer: VerifiedCredential | undefined;
  try {
    [signer] = open('audit', trust.fleetId, found.data, trust).signers;
  } catch (error) {
    const code = error instanceof FleetError ? error.code : '';
    if (code === 'bad-signature')
      return foreign('its signature does not hold: it was changed, or made by somebody else', 'changed');
    // At what time it was signed, records say that aren't what was signed.
    if (inner !== undefined && OUT_OF_TIME.has(code)) return { batch: undefined, flaw: inner };
    if (code !== 'unknown-signer') return foreign(`it is not from who may write here: ${reasonOf(error)}`);
  }
  const why = signer === undefined ? undefined : whyNotTheirs(signer, found.subject, subjects);
  if (why !== undefined) return foreign(why);
  const flaw = inner ?? (signer === undefined ? undefined : outOfTime(batch, records, signer));
  return { batch, records: records.filter((record) => record !== undefined), signer, flaw };
}

const OUT_OF_TIME: ReadonlySet<string> = new Set(['credential-expired', 'credential-not-yet-valid']);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function readRecord(bytes: Uint8Array): AuditRecord | undefined {
  try {
    return decodeAuditRecord(bytes);
  } catch {
    return undefined;
  }
}

/** Everybody writes under an own subject. */
function whyNotTheirs({ credential }: VerifiedCredential, subject: string, subjects: Subjects): string | undefined {
  const { kind, name } = credential.body;
  const own: Readonly<Record<typeof kind, readonly string[]>> = {
    node: [subjects.nodeAudit(name)],
    operator: [subjects.callerAudit(name)],
    service: [subjects.callerAudit(name), subjects.serviceAudit(name)],
    issuer: [subjects.serviceAudit(name)],
    join: [],
  };
  return own[kind].includes(subject) ? undefined : `it is signed by the ${kind} ${name}, who writes elsewhere`;
}

/** Walks the records as the writer did: each has to name the one before it, and the last is the one that was signed. */
function firstBadRecord(
  batch: AuditBatch,
  bytes: readonly Uint8Array[],
  records: readonly (AuditRecord | undefined)[],
): Flaw | undefined {
  const { chain, count, first, last } = batch;
  const bad = (kind: FlawKind, seq: number, what: string): Flaw => ({
    kind,
    chain,
    seq,
    at: records[seq - first]?.at,
    what,
  });
  let hash: Uint8Array = batch.prev;
  for (let at = 0; at < Math.max(count, bytes.length); at++) {
    const seq = first + at;
    const [record, encoded] = [records[at], bytes[at]];
    if (encoded === undefined) return bad('removed', seq, 'it is missing at the end of its batch');
    if (record === undefined) return bad('changed', seq, 'it can not be read');
    if (record.seq !== seq || !isSame(record.chain, chain))
      return bad(misplaced(record, seq, records), seq, `record ${record.seq} is in its place`);
    if (!isSame(record.prev, hash))
      return at === 0
        ? bad('changed', seq, 'it names another record before it than was signed')
        : bad('changed', seq - 1, 'the next one names another record before it');
    hash = hashRecord(encoded);
  }
  return isSame(hash, last) ? undefined : bad('changed', first + count - 1, 'it is not the one that was signed');
}

function misplaced(
  { seq: found }: AuditRecord,
  expected: number,
  records: readonly (AuditRecord | undefined)[],
): FlawKind {
  if (found < expected) return 'doubled';
  return records.some((record) => record?.seq === expected) ? 'reordered' : 'removed';
}

function outOfTime(
  batch: AuditBatch,
  records: readonly (AuditRecord | undefined)[],
  { credential }: VerifiedCredential,
): Flaw | undefined {
  const late = records.find((record) => record !== undefined && record.at >= credential.body.notAfter);
  return late === undefined
    ? undefined
    : {
        kind: 'foreign',
        chain: batch.chain,
        seq: late.seq,
        at: late.at,
        what: 'it was written when the credential of its signer had expired',
      };
}
