/** Who an operator may be called, and for how long. */
import { UsageError } from '../../shared/errors.ts';

/** An operator's key is held by a person and leaks with a laptop: a year. */
export const OPERATOR_LIFE_MS = 365 * 24 * 60 * 60_000;

const KEY_FILES: ReadonlySet<string> = new Set(['root', 'bus', 'bus-signing']);

/**
 * Issuers and operators log in at one account of the bus, where a name is an inbox: two of one name would read each
 * other's answers. Others would take the file of a key: each has one of its name.
 * @throws UsageError `bad-operator-name`
 */
export function assertOperatorName(name: string, issuers: readonly string[]): void {
  if (!KEY_FILES.has(name) && !issuers.includes(name)) return;
  throw new UsageError(`"${name}" can't be the name of an operator`, {
    code: 'bad-operator-name',
    hint: 'Use the name of the person.',
  });
}
