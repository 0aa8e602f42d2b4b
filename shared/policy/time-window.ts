/** Windows of the week: whether a moment is within one, on the wall clock of its zone. */
import { DAYS, type Day, type TimeWindow } from './policy.ts';

const MINUTES_A_DAY = 24 * 60;

export interface CompiledWindow {
  readonly text: string;
  /** @param at milliseconds since the epoch */
  includes(at: number): boolean;
  /** The moment as the zone's clocks show it: `Tue 14:05 Europe/Berlin`. */
  describe(at: number): string;
}

/** @throws RangeError for a zone that isn't known on this machine */
export function compileWindow(window: TimeWindow): CompiledWindow {
  const { zone = 'UTC' } = window;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const days = daysOf(window.days);
  const from = minutesOf(window.from ?? '00:00');
  const to = minutesOf(window.to ?? '24:00');
  const read = (at: number): { day: number; minutes: number } => {
    const parts = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = DAYS.indexOf((parts['weekday'] ?? '').toLowerCase() as Day);
    return { day, minutes: Number(parts['hour']) * 60 + Number(parts['minute']) };
  };
  return {
    text: describeWindow(window),
    includes(at) {
      const { day, minutes } = read(at);
      if (from < to) return days.has(day) && minutes >= from && minutes < to;
      // Over midnight: the morning belongs to the day on which the window began.
      if (minutes >= from) return days.has(day);
      return minutes < to && days.has((day + DAYS.length - 1) % DAYS.length);
    },
    describe(at) {
      const { day, minutes } = read(at);
      const twoDigits = (number: number): string => String(number).padStart(2, '0');
      return `${DAYS[day] ?? ''} ${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)} ${zone}`;
    },
  };
}

function describeWindow({ days, from, to, zone = 'UTC' }: TimeWindow): string {
  const of = days === undefined ? [] : [[days].flat().join(',')];
  const times = from === undefined && to === undefined ? [] : [`${from ?? '00:00'}-${to ?? '24:00'}`];
  return [...of, ...times, zone].join(' ');
}

/** Of their numbers, Monday being 0; `fri-mon` goes over the weekend. */
function daysOf(ranges: TimeWindow['days']): ReadonlySet<number> {
  if (ranges === undefined) return new Set(DAYS.keys());
  const days = new Set<number>();
  for (const range of [ranges].flat()) {
    const [first = '', last = first] = range.split('-');
    const end = DAYS.indexOf(last as Day);
    for (let day = DAYS.indexOf(first as Day); ; day = (day + 1) % DAYS.length) {
      days.add(day);
      if (day === end) break;
    }
  }
  return days;
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return Math.min((hours ?? 0) * 60 + (minutes ?? 0), MINUTES_A_DAY);
}
