/** Values of options: durations, ranges, limits. Bad ones say what was expected, before anything is sent. */
import { DURATION_EXPECTED, readDuration } from '../../shared/duration.ts';
import { UsageError } from '../../shared/errors.ts';
import type { Limit } from '../resolve.ts';

/** A bound of an option's value, and how people write it. */
export interface LongestDuration {
  readonly ms: number;
  readonly text: string;
}

/** Milliseconds, at least one. @throws UsageError `bad-value` */
export function parseDuration(text: string, option: string, longest?: LongestDuration): number {
  const ms = readDuration(text);
  if (ms === undefined) throw badValue(option, text, DURATION_EXPECTED);
  if (longest !== undefined && ms > longest.ms) throw badValue(option, text, `at most ${longest.text}`);
  return ms;
}

/** `3`, `1..`, `..5`, `1..5`; both ends included. @throws UsageError `bad-value` */
export function parseRange(text: string, option: string): { min: number; max: number | null } {
  const match = /^(?:(\d{1,9})|(\d{1,9})?\.\.(\d{1,9})?)$/.exec(text);
  if (match === null || text === '..') throw badValue(option, text, 'a number or a range: 3, 1.., ..5 or 1..5');
  const [, exact, from, to] = match;
  const range =
    exact === undefined
      ? { min: Number(from ?? 0), max: to === undefined ? null : Number(to) }
      : { min: Number(exact), max: Number(exact) };
  if (range.max !== null && range.max < range.min) throw badValue(option, text, 'a range that begins below its end');
  return range;
}

/** `5` or `10%`. @throws UsageError `bad-value` */
export function parseLimit(text: string, option: string): Limit {
  const match = /^(\d{1,9}(?:\.\d+)?)(%?)$/.exec(text);
  const value = Number(match?.[1]);
  const isPercent = match?.[2] === '%';
  if (match === null || value <= 0 || (isPercent ? value > 100 : !Number.isInteger(value)))
    throw badValue(option, text, 'a number of nodes or a share of them: 5 or 10%');
  return isPercent ? { percent: value } : { count: value };
}

/** `0`, `5` or `10%`: of failures, none may be what is tolerated. @throws UsageError `bad-value` */
export function parseTolerance(text: string, option: string): Limit {
  return /^0%?$/.test(text) ? { count: 0 } : parseLimit(text, option);
}

/** A number of nodes, which may be none. @throws UsageError `bad-value` */
export function parseCount(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text)) throw badValue(option, text, 'a number of nodes, such as 1');
  return Number(text);
}

/** `key=value`. @throws UsageError `bad-value` */
export function parseAssignment(text: string, what: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw badValue(what, text, 'key=value');
  return [text.slice(0, at), text.slice(at + 1)];
}

export function badValue(option: string, text: string, expected: string): UsageError {
  return new UsageError(`${option} can't be "${text}"`, { code: 'bad-value', hint: `Expected ${expected}.` });
}
