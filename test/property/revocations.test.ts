/** Whatever lists come, in whatever order, from whom and over whatever restarts: once revoked, never accepted again. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FleetError } from '../../shared/errors.ts';
import { takeRevocations } from '../../shared/take-revocations.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { byKey, bySerial, DAY_MS, FleetMaterial, type Member } from '../support/fleet-material.ts';
import { ManualClock, NOW } from '../support/manual-clock.ts';
import { codeOf } from '../support/refusal.ts';

const fleet = new FleetMaterial();
/** In the order of their standing. */
const issuers: readonly Member[] = await Promise.all(
  [0, 1, 2].map((number) =>
    fleet.issue('issuer', `issuer${number}`, { notBefore: NOW - DAY_MS + number, limits: { kinds: ['node'] } }),
  ),
);
const others: readonly Member[] = await Promise.all([
  fleet.operator('alice'),
  fleet.operator('bob'),
  ...issuers.map((issuer, number) => fleet.issue('node', `db${number}`, { notBefore: NOW }, issuer)),
]);
const members = [...issuers, ...others];

const list = fc.record({
  by: fc.nat(issuers.length - 1),
  revision: fc.integer({ min: 1, max: 12 }),
  revoked: fc.uniqueArray(fc.nat(members.length - 1), { maxLength: 4 }),
  byKey: fc.boolean(),
});
const step = fc.oneof({ weight: 4, arbitrary: list }, fc.constant('restart' as const));

const restarted = (trust: TrustStore, clock: ManualClock): TrustStore => {
  const next = fleet.trust(clock);
  for (const entry of trust.revocations.entries()) next.revocations.restore(entry);
  return next;
};

it('what a list revoked that was taken stays revoked, and an issuer only falls to one that came later', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (history) => {
      const clock = new ManualClock();
      let trust = fleet.trust(clock);
      let known = 0;
      const gone = new Set<Member>();
      for (const one of history) {
        if (one === 'restart') {
          trust = restarted(trust, clock);
          known = 0;
          continue;
        }
        const by = issuers[one.by]!;
        const named = one.revoked.map((index) => members[index]!);
        const entries = named.map((member) => (one.byKey ? byKey(member) : bySerial(member)));
        const envelope = await fleet.sealRevocations(entries, { by, revision: one.revision });
        try {
          const taken = takeRevocations(envelope, known, { trust, subjects: fleet.subjects, clock });
          expect(gone.has(by)).toBe(false);
          if (taken !== undefined) {
            known = taken.revision;
            for (const member of named) {
              const rank = issuers.indexOf(member);
              if (rank < 0 || rank < one.by) gone.add(member);
            }
          }
        } catch (error) {
          if (!(error instanceof FleetError)) throw error;
          expect(gone.has(by)).toBe(true);
          expect(error.code).toBe('revoked');
        }
        const fallen = new Set(
          issuers.filter((issuer) => gone.has(issuer)).map(({ credential }) => credential.body.name),
        );
        for (const member of members) {
          const { credential } = member;
          const isGone = gone.has(member) || fallen.has(credential.issuer?.body.name ?? '');
          expect(codeOf(() => trust.verify(credential))).toBe(isGone ? 'revoked' : 'accepted');
        }
      }
    }),
    { numRuns: 150 },
  );
});
