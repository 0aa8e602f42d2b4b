/**
 * How a text is read where order matters: number, size, duration, date or version. Facts and the values in an
 * expression are read by the same rule, but for two of TARGETING's: a number fact is a number, and a text fact of
 * digits and dots is a version.
 */
import { parseVersion, type Version } from './versions.ts';

export type Reading =
  | { readonly kind: 'number'; readonly value: number | bigint; readonly text: string }
  /** In bytes. */
  | { readonly kind: 'size'; readonly value: number }
  /** In seconds. */
  | { readonly kind: 'duration'; readonly value: number }
  /** In milliseconds since the Unix epoch. */
  | { readonly kind: 'date'; readonly value: number }
  | { readonly kind: 'version'; readonly value: Version };

const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?$/i;
const MEASURE = /^([+-]?(?:\d+(?:\.\d+)?|\.\d+))([a-z]+)$/i;
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)([.,]\d+)?)?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)?)?$/i;

/** Digits up to which an integer is kept exact; nothing countable is longer. */
const EXACT_DIGITS = 64;

const SIZES: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ...['kb', 'mb', 'gb', 'tb', 'pb'].map((unit, at) => [unit, 1000 ** (at + 1)] as const),
  ...['kib', 'mib', 'gib', 'tib', 'pib'].map((unit, at) => [unit, 1024 ** (at + 1)] as const),
]);

const DURATIONS: ReadonlyMap<string, number> = new Map([
  ['ms', 0.001],
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
]);

/** The number that a text is: decimal, with sign, fraction and exponent if any. Integers are exact. */
export function parseNumber(text: string): number | bigint | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) || !/^[+-]?\d+$/.test(text) || text.length > EXACT_DIGITS) return value;
  return BigInt(text.replace('+', ''));
}

/** The text that a fact is, for equality and patterns; a map, a list or nothing has none. */
export function textOf(fact: unknown): string | undefined {
  if (typeof fact === 'string') return fact;
  if (typeof fact === 'number' || typeof fact === 'bigint' || typeof fact === 'boolean') return String(fact);
  return undefined;
}

/** A text in the order number, size, duration, date, version: the first that it is; `undefined` for plain words. */
export function readText(text: string): Reading | undefined {
  const number = parseNumber(text);
  if (number !== undefined) return { kind: 'number', value: number, text };
  return readMeasure(text) ?? readDate(text) ?? readVersion(text);
}

export function readFact(fact: unknown): Reading | undefined {
  if (typeof fact === 'number' || typeof fact === 'bigint') return { kind: 'number', value: fact, text: String(fact) };
  const text = textOf(fact);
  if (text === undefined) return undefined;
  // "3.10" comes after "3.9": as text it was written by something that numbers versions.
  if (text.includes('.') && /^[\d.]+$/.test(text)) return readVersion(text.replace(/^\.+/, ''));
  return readText(text);
}

export function readVersion(text: string): Reading | undefined {
  const version = parseVersion(text);
  return version === undefined ? undefined : { kind: 'version', value: version };
}

function readMeasure(text: string): Reading | undefined {
  const [, digits, unit] = MEASURE.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const bytes = SIZES.get(unit.toLowerCase());
  if (bytes !== undefined) return { kind: 'size', value: Number(digits) * bytes };
  const seconds = DURATIONS.get(unit);
  return seconds === undefined ? undefined : { kind: 'duration', value: Number(digits) * seconds };
}

function readDate(text: string): Reading | undefined {
  const parts = DATE.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetHours = Number(parts[10] ?? 0);
  const offsetMinutes = Number(parts[11] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month doesn't have would roll over into the next.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const fraction = Number(`0${(parts[7] ?? '.0').replace(',', '.')}`);
  const offset = (parts[9] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes);
  const seconds = hour * 3600 + (minute - offset) * 60 + second + fraction;
  return { kind: 'date', value: date.getTime() + seconds * 1000 };
}
