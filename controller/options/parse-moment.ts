/** A moment, as an option takes it: how long ago (`2h`, `7d`), or a date, with or without a time. */
import { readDuration } from '../../shared/duration.ts';
import { badValue } from './parse-values.ts';

/** Milliseconds since the epoch. Without a zone it's UTC, as everything that is shown. @throws UsageError `bad-value` */
export function parseMoment(text: string, option: string, now: number): number {
  const ago = readDuration(text);
  if (ago !== undefined) return now - ago;
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  const [, date = '', time = '00:00', zone = 'Z'] = match ?? [];
  const at = match === null ? NaN : Date.parse(`${date}T${time}${zone}`);
  if (Number.isNaN(at))
    throw badValue(option, text, 'how long ago (90m, 2h, 7d) or a date in UTC (2026-01-31, 2026-01-31T08:30)');
  return at;
}
