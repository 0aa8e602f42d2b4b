/** Ids of commands that must never run here, whether they come or not: how such a command ends, and how that is said. */
import type { Final } from '../replay/journal.ts';

export const CANCELLED: Final = { kind: 'result', state: 'cancelled', code: 'cancelled-before-start' };
export const RETRIED: Final = { kind: 'result', state: 'cancelled', code: 'retried-before-start' };

export const isBurned = ({ code }: Pick<Final, 'code'>): boolean => code === CANCELLED.code || code === RETRIED.code;

export function burnedWords({ code }: Pick<Final, 'code'>): string {
  return code === RETRIED.code
    ? 'never started: it was tried again before it came here'
    : 'never started: it was cancelled before';
}
