/** Who an operator or a service may be called, and for how long. */
import { UsageError } from '../../shared/errors.ts';
import type { Issued } from './register.ts';

/** An operator's key is held by a person and leaks with a laptop: a year. */
export const OPERATOR_LIFE_MS = 365 * 24 * 60 * 60_000;

const KEY_FILES: ReadonlySet<string> = new Set(['root', 'bus', 'bus-signing']);

/**
 * Issuers, operators and services log in where a name is an inbox: two of one name would read each other's answers. Others
 * would take the file of a key: each has one of its name.
 * @throws UsageError `bad-operator-name`
 */
export function assertOperatorName(kind: 'operator' | 'service', name: string, issued: readonly Taken[]): void {
  const isTaken = issued.some((one) => one.name === name && one.kind !== kind && one.kind !== 'node');
  if (!KEY_FILES.has(name) && !isTaken) return;
  throw new UsageError(`"${name}" can't be the name of ${kind === 'operator' ? 'an operator' : 'a service'}`, {
    code: 'bad-operator-name',
    hint:
      kind === 'operator' ? 'Use the name of the person.' : 'Somebody has it: use one of its own, like controller1.',
  });
}

type Taken = Pick<Issued, 'kind' | 'name'>;
