/** A chain of records in memory: where it ends, and how the next record is made. Writes nothing. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { CHAIN_BYTES, encodeAuditRecord, hashRecord, NO_RECORD, type AuditEvent } from '../wire/audit.ts';

/** Where a chain ends. */
export interface ChainHead {
  readonly chain: Uint8Array;
  /** Of its last record; 0 before the first. */
  readonly seq: number;
  /** Of its last record; before the first, of the record that the chain follows. */
  readonly hash: Uint8Array;
  /** When that record was written; undefined where there is none. */
  readonly at: number | undefined;
}

/** A record, and the one that it follows. */
export interface ChainedRecord {
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly at: number;
  readonly hash: Uint8Array;
  readonly prev: Uint8Array;
  readonly prevAt: number | undefined;
}

export class AuditChain {
  readonly #who: string;
  readonly #clock: Clock;
  #head: ChainHead;

  constructor(head: ChainHead, dependencies: { who: string; clock: Clock }) {
    this.#head = head;
    this.#who = dependencies.who;
    this.#clock = dependencies.clock;
  }

  get head(): ChainHead {
    return this.#head;
  }

  /** @param at when it happened, where that isn't now */
  append(event: AuditEvent, at = this.#clock.now()): ChainedRecord {
    const { chain, seq, hash: prev, at: prevAt } = this.#head;
    const bytes = encodeAuditRecord({ chain, seq: seq + 1, prev, at, who: this.#who, ...event });
    const hash = hashRecord(bytes);
    this.#head = { chain, seq: seq + 1, hash, at };
    return { bytes, seq: seq + 1, at, hash, prev, prevAt };
  }
}

/** A new chain, after the last record that is known of another. */
export function newChain(after?: { readonly hash: Uint8Array; readonly at: number | undefined }): ChainHead {
  const chain = new Uint8Array(randomBytes(CHAIN_BYTES));
  return { chain, seq: 0, hash: after?.hash ?? NO_RECORD, at: after?.at };
}
