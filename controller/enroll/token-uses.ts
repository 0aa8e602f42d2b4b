/**
 * Counts the uses of a token: taken before a server is let in, by its fingerprint, so that who asks again after an
 * interruption has it already. Pure: entry in, entry out.
 */
import { LIMITS } from '../../shared/limits.ts';
import type { TokenEntry } from '../../shared/wire/enroll-entry.ts';

export interface UsesChange {
  /** Fingerprints of who wants one. */
  readonly wanted: readonly string[];
  /** Of who got in: they need no more. */
  readonly done: ReadonlySet<string>;
  /** Of who didn't: theirs is there for others again. */
  readonly released: ReadonlySet<string>;
}

export interface UsesTaken {
  readonly entry: Pick<TokenEntry, 'used' | 'open'>;
  /** Those of `wanted` that have one now. */
  readonly taken: ReadonlySet<string>;
}

export function changeUses(entry: Pick<TokenEntry, 'uses' | 'used' | 'open'>, change: UsesChange): UsesTaken {
  const { wanted, done, released } = change;
  const given = entry.open.filter((fingerprint) => released.has(fingerprint)).length;
  let used = entry.used - given;
  const open = entry.open.filter(
    // Who has one and wants it again, at the very end of getting it, keeps it.
    (fingerprint) => !released.has(fingerprint) && (!done.has(fingerprint) || wanted.includes(fingerprint)),
  );
  const taken = new Set<string>();
  for (const fingerprint of wanted) {
    if (!open.includes(fingerprint)) {
      if (used >= entry.uses) continue;
      used++;
      open.push(fingerprint);
    }
    taken.add(fingerprint);
  }
  // Of what other services left behind the oldest goes: its use stays taken.
  return { entry: { used, open: open.slice(-LIMITS.joinOpenUses) }, taken };
}
