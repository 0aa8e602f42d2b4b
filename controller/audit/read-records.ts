/**
 * The records that the bus has, one after another, each with whether its signature was verified. Batches that are not
 * what they say are left out and counted: `fleet audit verify` says what is wrong with them.
 */
import type { AuditSource } from './audit-source.ts';
import { writerKind } from './audit-source.ts';
import { openBatch } from './open-batch.ts';
import { plainRecord, type PlainRecord } from './plain-record.ts';

export interface ReadRecordsOptions {
  /** Subjects, with wildcards or not. */
  readonly filters: readonly string[];
  readonly isWanted?: ((subject: string) => boolean) | undefined;
  /** Nothing that was stored before; milliseconds since the epoch. */
  readonly since?: number | undefined;
  /** Nothing that was stored after; the reading ends there. */
  readonly storedUntil?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves with the number of batches that were left out. @throws TransportError */
export async function readRecords(
  source: AuditSource,
  options: ReadRecordsOptions,
  onRecord: (record: PlainRecord) => void | Promise<void>,
): Promise<{ leftOut: number }> {
  const { filters, isWanted = () => true, since, signal, storedUntil = Infinity } = options;
  let leftOut = 0;
  for (const filter of filters) {
    const enough = new AbortController();
    const ends = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
    await source.read(
      filter,
      async ({ subject, data, sequence, storedAt }) => {
        if (storedAt > storedUntil) return enough.abort();
        if (!isWanted(subject)) return;
        const opened = openBatch({ subject, data, place: `message ${sequence}` }, source);
        if (opened.batch === undefined || opened.flaw !== undefined) {
          leftOut++;
          return;
        }
        const about = { kind: writerKind(subject), verified: opened.signer !== undefined };
        for (const record of opened.records) await onRecord(plainRecord(record, about));
      },
      { since, signal: ends },
    );
    signal?.throwIfAborted();
  }
  return { leftOut };
}
