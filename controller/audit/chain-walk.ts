/**
 * Walks what one writer has stored, batch by batch in the order of the stream, and finds the first record that isn't as
 * it was written. The rules:
 *
 * - A batch counts when its own signature holds, or when a later one whose signature holds goes on from it: the hashes
 *   cover everything before.
 * - A chain goes on without a gap. A new one follows the last record of another, or it's told that it doesn't.
 * - Where the first batch that is there follows one that isn't, that one has to be older than what is kept; younger ones
 *   were taken away.
 */
import { isSame, lastSeq } from '../../shared/audit/trail-records.ts';
import { LIMITS } from '../../shared/limits.ts';
import { toHex } from '../../shared/signing.ts';
import { NO_RECORD, type AuditBatch, type AuditRecord } from '../../shared/wire/audit.ts';
import type { Flaw } from './flaw.ts';

export interface ChainWalkOptions {
  /** The reader's clock, milliseconds since the epoch. */
  readonly now: number;
  /** How long records are kept. @default LIMITS.auditKeepMs */
  readonly keepMs?: number;
  /** What is there may begin anywhere: a writer's own files, of which the oldest go by size. @default false */
  readonly mayBeginAnywhere?: boolean;
}

/** What is known of one chain. */
interface Walked {
  readonly id: Uint8Array;
  /** Number of the record that has to come next. */
  next: number;
  hash: Uint8Array;
  at: number | undefined;
  /** First record whose signature nobody has vouched for yet. */
  uncovered: Flaw | undefined;
  /** Numbers that were missing when a later one came. */
  readonly missing: { first: number; last: number; readonly flaw: Flaw }[];
}

/** Ends of batches that a new chain may follow: of several machines, each knows what the bus had a moment ago. */
const RECENT_ENDS = 1_000;

export class ChainWalk {
  readonly #options: ChainWalkOptions;
  readonly #chains = new Map<string, Walked>();
  readonly #ends = new Set<string>();
  readonly #notes: string[] = [];
  #flaw: Flaw | undefined;
  #records = 0;
  #firstAt: number | undefined;
  #lastAt: number | undefined;

  constructor(options: ChainWalkOptions) {
    this.#options = options;
  }

  get records(): number {
    return this.#records;
  }
  get chains(): number {
    return this.#chains.size;
  }
  get firstAt(): number | undefined {
    return this.#firstAt;
  }
  get lastAt(): number | undefined {
    return this.#lastAt;
  }
  /** What isn't wrong, and worth knowing. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** The first thing that is wrong. Called once everything was walked. */
  finish(): Flaw | undefined {
    for (const { uncovered } of this.#chains.values()) if (uncovered !== undefined) this.blame(uncovered);
    return this.#flaw;
  }

  /** Something is wrong that has nothing to do with the order. Only the first counts. */
  blame(flaw: Flaw): void {
    this.#flaw ??= flaw;
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  /** @param isVouchedFor whether its signature holds; false where its signer isn't known */
  take(batch: AuditBatch, records: readonly AuditRecord[], isVouchedFor: boolean): void {
    const id = toHex(batch.chain);
    const known = this.#chains.get(id);
    const uncovered: Flaw | undefined = isVouchedFor
      ? undefined
      : {
          kind: 'unsigned',
          chain: batch.chain,
          seq: batch.first,
          at: records[0]?.at,
          what: 'nobody knows the credential of its signer, and nothing signed goes on from it',
        };
    const walked = known ?? this.#begin(batch, isVouchedFor);
    if (known !== undefined && !this.#goOn(known, batch, isVouchedFor)) return;
    walked.next = lastSeq(batch) + 1;
    walked.hash = batch.last;
    walked.at = records.at(-1)?.at;
    if (isVouchedFor) walked.uncovered = undefined;
    else walked.uncovered ??= uncovered;
    this.#chains.set(id, walked);
    this.#remember(batch.last);
    this.#records += records.length;
    this.#firstAt ??= records[0]?.at;
    this.#lastAt = walked.at ?? this.#lastAt;
  }

  /** False where the batch is out of its place: then the chain stands where it stood. */
  #goOn(walked: Walked, batch: AuditBatch, isVouchedFor: boolean): boolean {
    const { chain, first, prev } = batch;
    if (first === walked.next) {
      if (!isSame(prev, walked.hash)) {
        // Nothing vouches for what was before it by going on from it.
        if (walked.uncovered !== undefined) this.blame(walked.uncovered);
        walked.uncovered = undefined;
        this.blame({
          kind: 'changed',
          chain,
          seq: first,
          what: 'it follows another record than the one that is before it here',
        });
      }
      return true;
    }
    if (first > walked.next) {
      const flaw = missingFlaw(chain, walked.next, first - 1);
      walked.missing.push({ first: walked.next, last: first - 1, flaw });
      this.blame(flaw);
      return true;
    }
    this.#comesLate(walked, batch, isVouchedFor);
    return false;
  }

  /** It was missing before, or it's here twice. */
  #comesLate({ missing, uncovered }: Walked, batch: AuditBatch, isVouchedFor: boolean): void {
    const { chain, first } = batch;
    const gap = missing.find((range) => range.first <= first && lastSeq(batch) <= range.last);
    if (gap === undefined) {
      this.blame({ kind: 'doubled', chain, seq: first, what: 'it is here twice, or in two versions' });
      return;
    }
    // The flaw was that these are missing; now they are only late.
    if (this.#flaw === gap.flaw && (isVouchedFor || uncovered !== undefined))
      this.#flaw = {
        kind: 'reordered',
        chain,
        seq: gap.flaw.seq,
        what: 'it comes after records that were written later',
      };
    if (gap.first === first) gap.first = lastSeq(batch) + 1;
  }

  #begin(batch: AuditBatch, isVouchedFor: boolean): Walked {
    const { chain, first, prev, prevAt } = batch;
    const walked: Walked = { id: chain, next: first, hash: prev, at: prevAt, uncovered: undefined, missing: [] };
    if (isSame(prev, NO_RECORD)) {
      if (this.#chains.size > 0)
        this.note(
          `a chain begins at ${timeOf(batch)} that follows none: its writer had lost its files, and did not know of the earlier records`,
        );
      return walked;
    }
    if (this.#ends.has(toHex(prev))) {
      this.note(`a new chain begins after ${timeOf(batch)}: its writer had lost or doubted its files`);
      if (isVouchedFor)
        for (const other of this.#chains.values()) if (isSame(other.hash, prev)) other.uncovered = undefined;
      return walked;
    }
    if (this.#options.mayBeginAnywhere === true) {
      this.note(`these files begin with record ${first} of its chain`);
      return walked;
    }
    if (this.#mayHaveAgedOut(prevAt)) {
      this.note(`the oldest record that is kept is number ${first} of its chain; the ones before it went by age`);
      return walked;
    }
    const flaw = missingFlaw(chain, 1, first - 1, prevAt);
    walked.missing.push({ first: 1, last: first - 1, flaw });
    this.blame(flaw);
    return walked;
  }

  #mayHaveAgedOut(at: number | undefined): boolean {
    const { keepMs = LIMITS.auditKeepMs, now } = this.#options;
    return at === undefined || at <= now - keepMs + AGING_SLACK_MS;
  }

  #remember(end: Uint8Array): void {
    this.#ends.add(toHex(end));
    if (this.#ends.size <= RECENT_ENDS) return;
    const [oldest] = this.#ends;
    if (oldest !== undefined) this.#ends.delete(oldest);
  }
}

/** By how much the clocks of writers, the bus and the reader together may be off. Records go by when they were stored, never before. */
const AGING_SLACK_MS = 60 * 60_000;

function missingFlaw(chain: Uint8Array, first: number, last: number, at?: number): Flaw {
  const until = at === undefined ? '' : `; the last of them is from ${new Date(at).toISOString()}`;
  // A chain that follows records of another, none of which is here.
  if (last < first)
    return { kind: 'removed', chain, seq: 1, at, what: `the records that it follows are missing${until}` };
  const what = first === last ? 'it is missing' : `it is missing, and so are those up to ${last}`;
  return { kind: 'removed', chain, seq: first, at, what: `${what}${until}` };
}

const timeOf = ({ prevAt }: AuditBatch): string => (prevAt === undefined ? 'its time' : new Date(prevAt).toISOString());
