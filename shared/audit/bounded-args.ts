/**
 * Arguments of a command as the audit trail keeps them: as they are while they are small, else how they begin and what
 * they were. Nothing is taken out here: values that must not be seen are sealed or redacted before.
 */
import { encode } from '../codec.ts';
import { LIMITS } from '../limits.ts';
import { sha256 } from '../signing.ts';
import type { AuditEvent } from '../wire/audit.ts';

export function boundedArgs(args: Readonly<Record<string, unknown>>): Pick<AuditEvent, 'args' | 'argsCut'> {
  if (roomAfter(args, LIMITS.auditArgsBytes) >= 0) return { args };
  const bytes = encode(args);
  const head = JSON.stringify(args, shorten).slice(0, LIMITS.auditArgsHeadLength);
  return { argsCut: { bytes: bytes.length, sha256: sha256(bytes), head } };
}

/** At most as long, and with a mark where something is missing. */
export function boundedText(text: string): string {
  const most = LIMITS.auditTextLength;
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** What is left of so many bytes; below 0 as soon as it's too much, without looking at the rest. */
function roomAfter(value: unknown, room: number): number {
  if (typeof value === 'string') return room - 2 - value.length;
  if (value instanceof Uint8Array) return room - 2 - value.length;
  if (typeof value !== 'object' || value === null) return room - 5;
  let left = room - 2;
  for (const key in value) {
    left = roomAfter((value as Record<string, unknown>)[key], Array.isArray(value) ? left : left - key.length);
    if (left < 0) break;
  }
  return left;
}

/** A text that isn't read to its end here needn't be written whole. */
function shorten(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LIMITS.auditArgsHeadLength);
  return value instanceof Uint8Array ? `<${value.length} bytes>` : value;
}
