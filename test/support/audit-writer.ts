/** A writer of audit records with files of its own and a bus within this process, and what a reader finds there. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { AuditLog, type AuditLogOptions } from '../../shared/audit/audit-log.ts';
import type { Bus } from '../../shared/bus.ts';
import { auditStream } from '../../shared/streams.ts';
import { toHex } from '../../shared/signing.ts';
import {
  decodeAuditBatch,
  decodeAuditRecord,
  hashRecord,
  NO_RECORD,
  recordsOf,
  type AuditBatch,
  type AuditRecord,
} from '../../shared/wire/audit.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { FakeBus } from './fake-bus.ts';
import { FleetMaterial, type Member } from './fleet-material.ts';
import { ManualClock } from './manual-clock.ts';
import { recordingLog } from './recording-log.ts';

export interface StoredBatch {
  readonly batch: AuditBatch;
  readonly records: readonly AuditRecord[];
}

export class AuditWriter {
  readonly folder: string;
  readonly fleet = new FleetMaterial();
  readonly bus: FakeBus;
  readonly clock = new ManualClock();
  readonly log = recordingLog();

  constructor(folder: string, bus = new FakeBus()) {
    this.folder = folder;
    this.bus = bus;
  }

  get trailFolder(): string {
    return join(this.folder, 'audit');
  }

  /** Names of its files, oldest first. */
  files(): string[] {
    return readdirSync(this.trailFolder).sort();
  }

  /** The file that is written. */
  newest(): string {
    return join(this.trailFolder, this.files().findLast((name) => name.endsWith('.trail')) ?? '');
  }

  async open(
    options: Partial<AuditLogOptions> & {
      bus?: Pick<Bus, 'load' | 'store' | 'read' | 'maxPayloadBytes'>;
      identity?: Member;
    } = {},
  ): Promise<AuditLog> {
    const { bus = this.bus, identity = await this.fleet.node('db1'), ...others } = options;
    return AuditLog.open(
      {
        folder: this.trailFolder,
        who: 'db1',
        fleetId: this.fleet.fleetId,
        stream: auditStream('main'),
        subject: this.fleet.subjects.nodeAudit('db1'),
        ...others,
      },
      { bus, clock: this.clock, log: this.log, identity },
    );
  }

  /** What the bus has, in the order it was stored. */
  stored(): StoredBatch[] {
    return this.bus.history.map(({ data }) => readStored(data));
  }

  /** The events that the bus has, by name; those of a chain's own begin left out. */
  events(): string[] {
    return this.stored().flatMap(({ records }) =>
      records.flatMap(({ event }) => (event === 'chain-begun' ? [] : [event])),
    );
  }

  chains(): string[] {
    return [...new Set(this.stored().map(({ batch }) => toHex(batch.chain)))];
  }
}

export function readStored(data: Uint8Array): StoredBatch {
  const [, payload, , attachment] = parseEnvelope(data);
  return { batch: decodeAuditBatch(payload), records: recordsOf(attachment).map(decodeAuditRecord) };
}

/** Every record names the one before it, over batches and chains. */
export function expectChained(bus: FakeBus): void {
  let hash = NO_RECORD;
  for (const bytes of bus.history.flatMap(({ data }) => recordsOf(parseEnvelope(data)[3]))) {
    expect(toHex(decodeAuditRecord(bytes).prev)).toBe(toHex(hash));
    hash = hashRecord(bytes);
  }
}

export const write = (log: AuditLog, ...events: string[]): void => {
  for (const event of events) log.append({ event });
};
