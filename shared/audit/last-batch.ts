/**
 * The newest batch that the bus has under a writer's subject, as the writer looks at it: whose is it, and does it belong
 * to what is on the writer's own disk?
 */
import { VerifyKey } from '../signing.ts';
import { decodeAuditBatch, hashRecord, recordsOf } from '../wire/audit.ts';
import { open, parseEnvelope, type SignerIdentity } from '../wire/envelope.ts';
import { parseCredential, type Credential } from '../wire/credential.ts';
import { lastSeq, readRecord } from './trail-records.ts';

const HASH_BYTES = 32;

export interface LastBatch {
  readonly chain: Uint8Array;
  /** Of its last record. */
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly at: number | undefined;
  /** Hash of a record that it has, or of the one before; undefined for all others. */
  hashAt(seq: number): Uint8Array | undefined;
  /** Signed with the writer's own key: nobody else made it up. */
  readonly isOwn: boolean;
}

/** Undefined for what isn't a batch. */
export function readLast(data: Uint8Array, fleetId: string, { credential }: SignerIdentity): LastBatch | undefined {
  try {
    const [, payload, , attachment] = parseEnvelope(data);
    const batch = decodeAuditBatch(payload);
    const records = recordsOf(attachment);
    const at = readRecord(records.at(-1) ?? new Uint8Array())?.at;
    const isOwn = isSignedWith(credential, fleetId, data);
    const hashAt = (seq: number): Uint8Array | undefined => {
      const record = records[seq - batch.first];
      if (record !== undefined) return hashRecord(record);
      return seq === batch.first - 1 ? batch.prev : undefined;
    };
    return { chain: batch.chain, seq: lastSeq(batch), hash: batch.last, at, hashAt, isOwn };
  } catch {
    return undefined;
  }
}

/** No trust store: one key is all that counts here, whichever credential it had then. */
function isSignedWith(credential: Credential, fleetId: string, data: Uint8Array): boolean {
  const verifyKey = new VerifyKey(credential.body.sign);
  try {
    open('audit', fleetId, data, {
      resolve: (reference) => ({ credential: { ...credential, hash: hashOf(reference) }, verifyKey }),
    });
    return true;
  } catch {
    return false;
  }
}

const hashOf = (reference: Uint8Array): Uint8Array =>
  reference.length === HASH_BYTES ? reference : parseCredential(reference).hash;
