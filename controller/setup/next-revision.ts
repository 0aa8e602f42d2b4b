/** The number of an entry that takes the place of another. */
import { LIMITS } from '../../shared/limits.ts';

/**
 * Whatever clocks said, the newer entry has the higher number; but where the one before is ahead of the clock, as nobody's
 * who reads it is, that counts for nothing: who got an issuer's key could use up all numbers otherwise.
 *
 * @param now milliseconds since the epoch
 */
export function nextRevision(now: number, before = 0): number {
  return before > now + LIMITS.clockSkewMs ? now : Math.max(now, before + 1);
}
