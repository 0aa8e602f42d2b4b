/** The golden bytes of who is believed: lists of revocations with what they do to credentials, and chains of roots. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { followRoots } from '../../../shared/follow-roots.ts';
import { takeRevocations } from '../../../shared/take-revocations.ts';
import { parseCredential } from '../../../shared/wire/credential.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { VECTOR_FLEET } from '../../vectors/protocol/generate.ts';
import { hex, unhex, type RevocationVectors } from '../../vectors/protocol/vector.ts';

const FILE = join(import.meta.dirname, '..', '..', 'vectors', 'protocol', 'revocations.json');
const { lists, roots: chains } = JSON.parse(readFileSync(FILE, 'utf8')) as RevocationVectors;
const { fleetId, subjects } = VECTOR_FLEET;

describe('a list of revocations', () => {
  it.each(lists)('$name: $verdict', ({ message, now, verdict, credentials }) => {
    const clock = new ManualClock(now);
    const trust = VECTOR_FLEET.trust(clock);
    expect(codeOf(() => takeRevocations(unhex(message), 0, { trust, subjects, clock }))).toBe(verdict);
    for (const { credential, verdict: expected } of credentials)
      expect(codeOf(() => trust.verify(parseCredential(unhex(credential))))).toBe(expected);
  });
});

describe('a chain of roots', () => {
  it.each(chains)('$name: $verdict', ({ message, pinned, roots, verdict }) => {
    const follow = (): void => {
      const followed = followRoots(unhex(message), pinned.map(unhex), { fleetId, subjects });
      expect(followed.roots.map(hex)).toEqual(roots);
    };
    expect(codeOf(follow)).toBe(verdict);
  });
});
