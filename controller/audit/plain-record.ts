/** An audit record as plain data: what documents show, and what filters go by. */
import { toHex } from '../../shared/signing.ts';
import type { AuditRecord } from '../../shared/wire/audit.ts';
import type { WriterKind } from './audit-source.ts';

/** Absent fields are null, so that every record has the same. */
export interface PlainRecord {
  /** The writer's clock, ISO 8601. */
  readonly at: string;
  readonly writer: string;
  readonly kind: WriterKind;
  readonly event: string;
  readonly caller: string | null;
  readonly job: string | null;
  readonly action: string | null;
  readonly task: string | null;
  /** Null where nothing was decided: an end, a start of the agent. */
  readonly decision: 'allowed' | 'refused' | null;
  readonly rule: string | null;
  readonly state: string | null;
  readonly code: string | null;
  readonly exit: number | null;
  readonly ms: number | null;
  readonly args: unknown;
  readonly sealed: readonly string[] | null;
  readonly dryRun: boolean;
  readonly target: unknown;
  readonly approvers: readonly string[] | null;
  readonly serial: string | null;
  readonly id: string | null;
  readonly expected: number | null;
  readonly states: Readonly<Record<string, number>> | null;
  readonly times: number | null;
  readonly details: unknown;
  readonly chain: string;
  readonly record: number;
  /** Whether the signature over it was verified; false where its signer isn't known here. */
  readonly verified: boolean;
}

export function plainRecord(record: AuditRecord, about: { kind: WriterKind; verified: boolean }): PlainRecord {
  const { approvers, argsCut, caller, decision, id, outcome } = record;
  return {
    at: new Date(record.at).toISOString(),
    writer: record.who,
    kind: about.kind,
    event: record.event,
    caller: caller?.name ?? (about.kind === 'caller' ? record.who : null),
    job: record.job ?? null,
    action: record.action ?? null,
    task: record.task ?? null,
    decision: decision === undefined ? null : decision.allowed ? 'allowed' : 'refused',
    rule: decision?.rule ?? null,
    state: outcome?.state ?? null,
    code: decision?.code ?? outcome?.code ?? null,
    exit: outcome?.exit ?? null,
    ms: outcome?.ms ?? null,
    args: argsCut === undefined ? plain(record.args ?? null) : { cut: plain(argsCut) },
    sealed: record.sealed ?? null,
    dryRun: record.dryRun === true,
    target: record.target ?? null,
    approvers: approvers?.map(({ name }) => name) ?? null,
    serial: caller?.serial ?? null,
    id: id === undefined ? null : toHex(id),
    expected: outcome?.expected ?? null,
    states: outcome?.states ?? null,
    times: record.times ?? null,
    details: plain(record.details ?? null),
    chain: toHex(record.chain),
    record: record.seq,
    verified: about.verified,
  };
}

/** Bytes as hexadecimal text. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
