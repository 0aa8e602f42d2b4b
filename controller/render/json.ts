/** JSON for programs: exact, and harmless on a terminal too, because everything that can't be seen is escaped. */
import { escapeUnseen } from './visible.ts';

/**
 * Outside of its strings a JSON document has no character that `escapeUnseen` touches, so its result is the same value.
 *
 * @param indent spaces a level; @default everything on one line
 */
export function jsonText(value: unknown, indent?: number): string {
  return escapeUnseen(JSON.stringify(value, withoutBigInt, indent) ?? 'null');
}

/** JSON has one kind of number, and msgpack two; beyond 2^53 the digits matter more than the type. */
function withoutBigInt(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
