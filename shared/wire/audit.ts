/**
 * The audit trail on the wire: records that each name the one before by its hash, and batches of them with one signature.
 * A batch is an envelope of kind `audit`: its payload (`AuditBatch`) says where in which chain it belongs and what the
 * hash of its last record is; its attachment is the records, which that hash vouches for, each for the one before it.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { sha256 } from '../signing.ts';
import { seal, withAttachment, type SignerIdentity } from './envelope.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

const HASH_BYTES = 32;
/** An envelope has room for four signatures, and the first is the caller's. */
const MAX_APPROVERS = 3;
export const CHAIN_BYTES = 16;

/** `prev` of the first record of a chain that follows nothing. */
export const NO_RECORD: Uint8Array = new Uint8Array(HASH_BYTES);

const Name = z.string().min(1).max(LIMITS.nodeNameLength);
const Word = z.string().max(64);

/** What happened. Readers take events that they don't know for what they say. */
export const AuditEvent = z.object({
  /** `command`, `started`, `ended`, `refused`, `asked`, `issue`, …: docs/protocol.md has them all. */
  event: Word.min(1),
  /** Who asked for it. */
  caller: z.object({ name: Name, serial: Word, kind: Word }).optional(),
  /** Who else signed it. */
  approvers: z
    .array(z.object({ name: Name, serial: Word }))
    .max(MAX_APPROVERS)
    .optional(),
  job: z.string().max(40).optional(),
  /** Message id of the command. */
  id: bytesOf(16).optional(),
  action: z.string().max(128).optional(),
  task: z.string().max(LIMITS.taskNameBytes).optional(),
  /** What was asked: the public arguments, as the command had them. */
  args: z.unknown().optional(),
  /** In place of `args` that are too large: how they begin, as JSON, and what they were. */
  argsCut: z.object({ bytes: z.number().int(), sha256: bytesOf(HASH_BYTES), head: z.string() }).optional(),
  /** Names of arguments that came sealed: of them, nothing else is here. */
  sealed: z.array(z.string().max(128)).max(LIMITS.sealedNames).optional(),
  dryRun: z.boolean().optional(),
  target: z
    .object({
      via: z.string().max(512).optional(),
      where: z.string().max(LIMITS.auditTextLength).optional(),
      /** How many nodes the command names. */
      named: z.number().int().optional(),
      /** What the caller said, by option. */
      said: z.string().max(LIMITS.auditTextLength).optional(),
    })
    .optional(),
  decision: z
    .object({
      allowed: z.boolean(),
      rule: z.string().max(LIMITS.auditTextLength).optional(),
      code: Word.optional(),
    })
    .optional(),
  outcome: z
    .object({
      /** A final state, or `unmatched`. */
      state: Word.optional(),
      code: Word.optional(),
      /** Of the program; of the command line, where a controller says it. */
      exit: z.number().int().optional(),
      ms: z.number().optional(),
      /** Of a controller: how many nodes were expected, and how many ended in each state. */
      expected: z.number().int().optional(),
      states: z.record(Word, z.number().int()).optional(),
    })
    .optional(),
  /** One record for so many alike. */
  times: z.number().int().optional(),
  /** What else there is to say of an event: names, serials, counts. */
  details: z.record(z.string().max(128), z.unknown()).optional(),
});
export type AuditEvent = z.infer<typeof AuditEvent>;

export const AuditRecord = AuditEvent.extend({
  chain: bytesOf(CHAIN_BYTES),
  /** Counts the records of a chain from 1. */
  seq: z.number().int().positive(),
  /** SHA-256 of the record before; of the first record of a chain: of the last one that its writer knows of another. */
  prev: bytesOf(HASH_BYTES),
  /** The writer's clock, milliseconds since the epoch. */
  at: Moment,
  /** Who wrote it. */
  who: Name,
});
export type AuditRecord = z.infer<typeof AuditRecord>;

/** What is signed. */
export const AuditBatch = ReservedFields.extend({
  /** Where it is stored: it means nothing elsewhere. */
  subject: z.string().max(512),
  chain: bytesOf(CHAIN_BYTES),
  /** `seq` of its first record. */
  first: z.number().int().positive(),
  count: z.number().int().positive().max(LIMITS.auditBatchRecords),
  /** `prev` of its first record, and when the record before was written: tells what has aged out from what was taken away. */
  prev: bytesOf(HASH_BYTES),
  prevAt: Moment.optional(),
  /** SHA-256 of its last record. */
  last: bytesOf(HASH_BYTES),
});
export type AuditBatch = z.infer<typeof AuditBatch>;

const BATCH_FIELDS: ReadonlySet<string> = new Set([
  'subject', 'chain', 'first', 'count', 'prev', 'prevAt', 'last',
]); // prettier-ignore

export const encodeAuditRecord = (record: AuditRecord): Uint8Array => encode(record);

/** What the next record names. */
export const hashRecord = (record: Uint8Array): Uint8Array => sha256(record);

/** @throws ProtocolError `malformed` */
export function decodeAuditRecord(bytes: Uint8Array): AuditRecord {
  const parsed = AuditRecord.safeParse(decode(bytes, LIMITS.auditMessageBytes));
  if (!parsed.success) throw new ProtocolError('not an audit record', { code: 'malformed', cause: parsed.error });
  return parsed.data;
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeAuditBatch(payload: Uint8Array): AuditBatch {
  const parsed = AuditBatch.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a batch of audit records', { code: 'malformed' });
  assertUnderstood(parsed.data, BATCH_FIELDS);
  return parsed.data;
}

/** Signs a batch; its records are put to it where it's stored: see `withRecords`. */
export function sealAuditBatch(
  fleetId: string,
  identity: SignerIdentity,
  batch: AuditBatch,
  options: { inlineCredential: boolean },
): Promise<Uint8Array> {
  return seal('audit', fleetId, identity, encode(batch), options);
}

/** The envelope as it travels: with its records. */
export const withRecords = (envelope: Uint8Array, records: readonly Uint8Array[]): Uint8Array =>
  withAttachment(envelope, encode(records));

const Records = z.array(Bytes).min(1).max(LIMITS.auditBatchRecords);

/** Records of an envelope's attachment, undecoded. @throws ProtocolError `malformed` */
export function recordsOf(attachment: Uint8Array | undefined): Uint8Array[] {
  const parsed = attachment === undefined ? undefined : Records.safeParse(decode(attachment, LIMITS.auditMessageBytes));
  if (parsed?.success !== true) throw new ProtocolError('a batch without its records', { code: 'malformed' });
  return parsed.data;
}
