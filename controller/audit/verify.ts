/** Verifies audit trails: of every writer on the bus, or of one in a folder of its own. The walking is chain-walk.ts's. */
import { toHex } from '../../shared/signing.ts';
import { writerKind, type AuditSource, type WriterKind } from './audit-source.ts';
import { ChainWalk, type ChainWalkOptions } from './chain-walk.ts';
import type { Flaw, FlawKind } from './flaw.ts';
import { openBatch, type FoundBatch } from './open-batch.ts';

/** What was found out about one writer. Plain data, as documents have it. */
export interface WriterVerdict {
  readonly writer: string;
  readonly kind: WriterKind;
  readonly holds: boolean;
  readonly records: number;
  readonly chains: number;
  /** Of the oldest and the newest record, ISO 8601. */
  readonly from: string | null;
  readonly to: string | null;
  /** The first bad record. */
  readonly flaw: {
    readonly kind: FlawKind;
    readonly chain: string | null;
    readonly record: number | null;
    readonly at: string | null;
    readonly what: string;
  } | null;
  readonly notes: readonly string[];
}

type Believing = Pick<AuditSource, 'trust' | 'subjects'>;

/** Walks the trail of one writer, as its batches come. */
export class WriterCheck {
  readonly #subject: string;
  readonly #source: Believing;
  readonly walk: ChainWalk;
  #writer: string | undefined;

  constructor(subject: string, source: Believing, options: ChainWalkOptions) {
    this.#subject = subject;
    this.#source = source;
    this.walk = new ChainWalk(options);
  }

  take(found: FoundBatch): void {
    const opened = openBatch(found, this.#source);
    if (opened.flaw !== undefined) this.walk.blame(opened.flaw);
    if (opened.batch === undefined) return;
    const { batch, records, signer } = opened;
    if (signer !== undefined) this.#writer ??= signer.credential.body.name;
    this.walk.take(batch, records, signer !== undefined);
  }

  finish(): WriterVerdict {
    const flaw = this.walk.finish();
    const { records, chains, firstAt, lastAt, notes } = this.walk;
    return {
      writer: this.#writer ?? this.#subject.split('.').at(-1) ?? this.#subject,
      kind: writerKind(this.#subject),
      holds: flaw === undefined,
      records,
      chains,
      from: textOf(firstAt),
      to: textOf(lastAt),
      flaw: flaw === undefined ? null : plainFlaw(flaw),
      notes,
    };
  }
}

function plainFlaw({ at, chain, kind, seq, what }: Flaw): NonNullable<WriterVerdict['flaw']> {
  return { kind, chain: chain === undefined ? null : toHex(chain), record: seq ?? null, at: textOf(at), what };
}

const textOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

export interface VerifyOptions {
  /** Subjects, with wildcards or not, each read once. */
  readonly filters: readonly string[];
  /** Those under a filter that are meant. @default all */
  readonly isWanted?: (subject: string) => boolean;
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
}

/** One verdict for each writer that has anything on the bus. @throws TransportError */
export async function verifyBus(source: AuditSource, options: VerifyOptions): Promise<WriterVerdict[]> {
  const { filters, isWanted = () => true, now, signal } = options;
  const checks = new Map<string, WriterCheck>();
  for (const filter of filters)
    await source.read(
      filter,
      ({ subject, data, sequence }) => {
        if (!isWanted(subject)) return;
        let check = checks.get(subject);
        if (check === undefined) checks.set(subject, (check = new WriterCheck(subject, source, { now })));
        check.take({ subject, data, place: `message ${sequence} of the stream` });
      },
      { signal },
    );
  return [...checks.values()].map((check) => check.finish());
}
