/** A writer's history on the bus, made in memory: batches of records as an agent stores them, to be tampered with. */
import { AuditChain, newChain, type ChainedRecord } from '../../shared/audit/chain.ts';
import { encode } from '../../shared/codec.ts';
import { recordsOf, sealAuditBatch, withRecords } from '../../shared/wire/audit.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import type { FleetMaterial, Member } from './fleet-material.ts';
import { ManualClock, NOW } from './manual-clock.ts';

export interface HistoryBatch {
  readonly data: Uint8Array;
  /** Which chain of the history, from 0. */
  readonly chain: number;
  readonly first: number;
  readonly count: number;
}

export interface HistoryOptions {
  readonly subject: string;
  /** Numbers of records in each batch, of each chain. */
  readonly chains: readonly (readonly number[])[];
  /** Whether a chain names the last record of the one before it. @default true */
  readonly isLinked?: boolean;
  /** When the first record was written; a second lies between two. @default an hour ago */
  readonly begins?: number;
  /** Whether batches name their signer by hash, but for the first of each chain. @default false: spelled out in all */
  readonly byHash?: boolean;
}

export async function makeHistory(fleet: FleetMaterial, by: Member, options: HistoryOptions): Promise<HistoryBatch[]> {
  const clock = new ManualClock(options.begins ?? NOW - 60 * 60_000);
  const batches: HistoryBatch[] = [];
  let after: { hash: Uint8Array; at: number } | undefined;
  for (const [number, sizes] of options.chains.entries()) {
    const head = newChain(options.isLinked === false ? undefined : after);
    const chain = new AuditChain(head, { who: by.credential.body.name, clock });
    for (const [index, size] of sizes.entries()) {
      const records: ChainedRecord[] = [];
      for (let at = 0; at < size; at++) {
        clock.advance(1_000);
        records.push(chain.append({ event: 'command', action: 'ping', job: `j${chain.head.seq}` }));
      }
      const [first] = records;
      const last = records.at(-1);
      if (first === undefined || last === undefined) continue;
      const batch = {
        subject: options.subject,
        chain: head.chain,
        first: first.seq,
        count: size,
        prev: first.prev,
        ...(first.prevAt === undefined ? {} : { prevAt: first.prevAt }),
        last: last.hash,
      };
      const inlineCredential = options.byHash !== true || index === 0;
      const envelope = await sealAuditBatch(fleet.fleetId, by, batch, { inlineCredential });
      const data = withRecords(envelope, records.map(({ bytes }) => bytes)); // prettier-ignore
      batches.push({ data, chain: number, first: first.seq, count: size });
      after = { hash: last.hash, at: last.at };
    }
  }
  return batches;
}

/** The same message with other records: what somebody does who has the bus's files, and no key. */
export function changeRecords(batch: HistoryBatch, change: (records: Uint8Array[]) => Uint8Array[]): HistoryBatch {
  const [version, payload, signatures, attachment] = parseEnvelope(batch.data);
  return { ...batch, data: encode([version, payload, signatures, encode(change(recordsOf(attachment)))]) };
}
