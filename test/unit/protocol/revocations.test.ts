/** What a list of revocations does to credentials, and which lists are none. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import { Revocations } from '../../../shared/revocations.ts';
import { takeRevocations } from '../../../shared/take-revocations.ts';
import type { TrustStore } from '../../../shared/trust.ts';
import type { RevocationEntry } from '../../../shared/wire/revocations.ts';
import { byKey, bySerial, DAY_MS, FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const issuer = await fleet.issuer();
/** The next issuer, as a rotation makes it. */
const later = await fleet.issue('issuer', 'later', { notBefore: NOW, limits: { kinds: ['node', 'join'] } });
const [alice, db1, db2] = [await fleet.operator('alice'), await fleet.node('db1'), await fleet.node('db2')];

const clock = new ManualClock();
const trustWith = async (
  entries: readonly RevocationEntry[],
  options: { by?: Member; revision?: number; trust?: TrustStore; known?: number } = {},
): Promise<TrustStore> => {
  const { trust = fleet.trust(clock), known = 0, ...sealing } = options;
  takeRevocations(await fleet.sealRevocations(entries, sealing), known, { trust, subjects: fleet.subjects, clock });
  return trust;
};
const verdict = (trust: TrustStore, { credential }: Member): string => codeOf(() => trust.verify(credential));

describe('a credential', () => {
  it.each([
    ['its serial', bySerial],
    ['its key', byKey],
  ])('is refused once %s is revoked, and no other is', async (_what, entryFor) => {
    const trust = await trustWith([entryFor(alice)]);
    expect([alice, db1, issuer].map((member) => verdict(trust, member))).toEqual(['revoked', 'accepted', 'accepted']);
  });

  it('that was verified before is refused, too, by its bytes and by its hash', async () => {
    const trust = fleet.trust(clock);
    trust.resolve(alice.credential.bytes);
    await trustWith([bySerial(alice)], { trust });
    expect(codeOf(() => trust.resolve(alice.credential.bytes))).toBe('revoked');
    expect(codeOf(() => trust.resolve(alice.credential.hash))).toBe('revoked');
    expect(trust.includingRevoked.resolve(alice.credential.hash).credential.body.name).toBe('alice');
  });

  it('is revoked with its issuer, and good again once it is issued anew', async () => {
    const trust = await trustWith([bySerial(issuer)], { by: later });
    expect(verdict(trust, db1)).toBe('revoked');
    const { serial: _, ...body } = db1.credential.body;
    expect(verdict(trust, await fleet.issue('node', 'db1', { ...body, notBefore: NOW }, later))).toBe('accepted');
  });

  it('with a revoked key stays revoked under another serial', async () => {
    const trust = await trustWith([byKey(db1)]);
    expect(verdict(trust, await fleet.node('db1', { serial: 'f'.repeat(32) }))).toBe('revoked');
  });

  it('says by which link it is revoked, and why', async () => {
    const trust = await trustWith([bySerial(issuer, 'backup stolen')], { by: later });
    expect(() => trust.verify(db1.credential)).toThrow(
      'the credential of db1 comes from the issuer issuer, which has been revoked: backup stolen',
    );
  });
});

describe('an issuer', () => {
  it('is not revoked by itself, nor by one that came before it', async () => {
    expect(verdict(await trustWith([bySerial(issuer), byKey(issuer)]), issuer)).toBe('accepted');
    expect(verdict(await trustWith([bySerial(later), byKey(later)], { by: issuer }), later)).toBe('accepted');
  });

  it('can not revoke its successor with an issuer that it made itself', async () => {
    const old = await fleet.issue('issuer', 'old', { notBefore: NOW - 2 * DAY_MS });
    const made = await fleet.issue('issuer', 'made', { notBefore: NOW + 1_000 }, old);
    expect(verdict(await trustWith([bySerial(later)], { by: made }), later)).toBe('accepted');
  });

  it('is not revoked by an entry of another list that names its key for something else', async () => {
    // By a list of the old one: the serial of the new one, beside a key that the new one is going to revoke.
    const trust = await trustWith([{ ...bySerial(later), ...byKey(db1) }]);
    const newest = await fleet.issue('issuer', 'newest', { notBefore: NOW + 1_000 });
    await trustWith([byKey(db1)], { trust, by: newest, revision: 2 });
    const restored = fleet.trust(clock);
    for (const entry of trust.revocations.entries()) restored.revocations.restore(entry);
    expect([verdict(restored, later), verdict(restored, db1)]).toEqual(['accepted', 'revoked']);
  });
});

describe('a later list', () => {
  it('adds, and takes nothing back', async () => {
    const trust = await trustWith([bySerial(alice)]);
    await trustWith([bySerial(db1)], { trust, revision: 2 });
    expect([alice, db1, db2].map((member) => verdict(trust, member))).toEqual(['revoked', 'revoked', 'accepted']);
  });

  it('can not end earlier what an earlier one revoked', async () => {
    const at = new ManualClock();
    const trust = fleet.trust(at);
    const revocations = trust.revocations;
    revocations.add([bySerial(alice)], NOW, NOW);
    revocations.add([{ ...bySerial(alice), until: NOW }], NOW, NOW);
    at.setTo(NOW + DAY_MS);
    revocations.add([], NOW, at.now());
    expect(verdict(trust, alice)).toBe('revoked');
  });

  it('lets go of what has expired by itself', () => {
    const revocations = new Revocations();
    revocations.add([bySerial(alice), byKey(db1)], NOW, NOW);
    revocations.add([], NOW, alice.credential.body.notAfter + LIMITS.clockSkewMs + 1);
    expect([...revocations.entries()]).toEqual([]);
  });
});

describe('a list', async () => {
  const stranger = await new FleetMaterial({ label: 'other' }).issuer();
  const narrow = await fleet.issue('issuer', 'web', { limits: { names: ['web*'] } });
  it.each<[string, Parameters<FleetMaterial['sealRevocations']>[1], string]>([
    ['of an operator', { by: alice }, 'not-an-issuer'],
    ['of a node', { by: db1 }, 'not-an-issuer'],
    ['of another fleet', { by: stranger }, 'unknown-root'],
    ['of an issuer for some names', { by: narrow }, 'beyond-issuer'],
    ['for another subject', { subject: fleet.subjects.controlDocument('policy') }, 'misrouted'],
    ['whose number is ahead of the clock', { revision: NOW + LIMITS.clockSkewMs + 1 }, 'revision-ahead'],
    ['without a number', { revision: 0 }, 'malformed'],
  ])('%s is refused, and nothing of it holds', async (_what, options, code) => {
    const trust = fleet.trust(clock);
    const envelope = await fleet.sealRevocations([bySerial(alice)], options);
    expect(codeOf(() => takeRevocations(envelope, 0, { trust, subjects: fleet.subjects, clock }))).toBe(code);
    expect(verdict(trust, alice)).toBe('accepted');
  }); // prettier-ignore

  it('of an issuer that is revoked is refused', async () => {
    const trust = await trustWith([bySerial(issuer)], { by: later });
    await expect(trustWith([bySerial(alice)], { trust, revision: 2 })).rejects.toMatchObject({ code: 'revoked' });
  });

  it('that is not newer is not looked into', async () => {
    const trust = await trustWith([bySerial(alice)], { revision: 7, known: 7 });
    expect(verdict(trust, alice)).toBe('accepted');
  });

  it('of who got an old key can not use up the room for the next one', async () => {
    const revocations = new Revocations();
    const flood = (from: number): RevocationEntry[] =>
      Array.from({ length: LIMITS.revocations }, (_, index) => ({
        serial: (from + index).toString(16).padStart(32, '0'),
        since: NOW,
        until: NOW + DAY_MS,
      }));
    const attempts = [0, 1, 2, 3].map((list) =>
      codeOf(() => revocations.add(flood(list * LIMITS.revocations), NOW - DAY_MS, NOW)),
    );
    expect(attempts).toEqual(['accepted', 'accepted', 'accepted', 'too-many-revocations']);
    revocations.add([bySerial(alice), ...flood(1e6).slice(1)], NOW, NOW);
    expect(revocations.find(alice.credential)?.entry.serial).toBe(alice.credential.body.serial);
  });
});
