/** What a fleet has issued, and how each credential stands: from the register, and from the roster for who joined alone. */
import { LIMITS } from '../../shared/limits.ts';
import type { Issued } from './register.ts';

/** `replaced`: it holds, and a newer one for the same keys is used. `retired`: it holds, and its login is refused. */
export type IssuedState = 'valid' | 'expires-soon' | 'expired' | 'replaced' | 'retired' | 'revoked';

export interface ListedCredential extends Issued {
  readonly state: IssuedState;
}

/** Newest first. @param onRoster nodes that the register may not have; what it has counts */
export function listIssued(
  issued: readonly Issued[],
  onRoster: readonly Issued[],
  now: number,
): readonly ListedCredential[] {
  const known = new Set(issued.map(({ serial }) => serial));
  return [...issued, ...onRoster.filter(({ serial }) => !known.has(serial))]
    .map((one): ListedCredential => ({ ...one, state: stateOf(one, now) }))
    .toSorted((a, b) => b.notBefore - a.notBefore || (a.name < b.name ? -1 : 1));
}

function stateOf({ notAfter, replaced, retired, revoked }: Issued, now: number): IssuedState {
  if (revoked !== undefined) return 'revoked';
  if (notAfter <= now) return 'expired';
  if (retired !== undefined) return 'retired';
  if (replaced !== undefined) return 'replaced';
  return notAfter - now < LIMITS.expiresSoonMs ? 'expires-soon' : 'valid';
}
