/** From what a fleet has issued and taken back to the list that goes to everybody. Pure. */
import { SettingsError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import type { RevocationEntry } from '../../shared/wire/revocations.ts';
import { RENEWED, type Issued } from './register.ts';

/**
 * Entries for all that was revoked and hasn't expired. By key as well, unless something good has the same key.
 *
 * @param known entries of the newest list: somebody else may keep the fleet, too
 * @throws SettingsError `too-many-revocations`
 */
export function revocationEntries(
  issued: readonly Issued[],
  known: readonly RevocationEntry[],
  now: number,
): RevocationEntry[] {
  const isOver = (until: number): boolean => until + LIMITS.clockSkewMs < now;
  const goodKeys = new Set(issued.filter(({ revoked }) => revoked === undefined).map(({ sign }) => sign));
  const own = issued.flatMap((one): RevocationEntry[] => {
    const { kind, name, notAfter: until, reason, revoked: since, serial, sign } = one;
    if (since === undefined || isOver(until)) return [];
    const byKey = goodKeys.has(sign) ? {} : { key: sha256(Buffer.from(sign, 'base64')) };
    return [{ serial, ...byKey, kind, name, ...(reason === undefined ? {} : { reason }), since, until }];
  });
  const ours = new Set(own.map(idOf));
  const theirs = known.filter((entry) => !isOver(entry.until) && !ours.has(idOf(entry)));
  const all = [...own, ...theirs];
  if (all.length <= LIMITS.revocations) return all;
  // A server's old key can do nothing at the bus any more; where there is no room, those that end soonest are left out.
  const isSpare = ({ kind, reason }: RevocationEntry): boolean => kind === 'node' && reason === RENEWED;
  const kept = all.filter((entry) => !isSpare(entry));
  if (kept.length > LIMITS.revocations)
    throw new SettingsError(`${kept.length} credentials are revoked, and a list has room for ${LIMITS.revocations}`, {
      code: 'too-many-revocations',
      hint: 'Give the good ones a new issuer, and revoke the old one: that is one entry (fleet ca rotate issuer).',
    });
  const spare = all.filter(isSpare).toSorted((a, b) => b.until - a.until);
  return [...kept, ...spare.slice(0, LIMITS.revocations - kept.length)];
}

const idOf = ({ serial, key }: RevocationEntry): string => serial ?? toHex(key ?? new Uint8Array());
