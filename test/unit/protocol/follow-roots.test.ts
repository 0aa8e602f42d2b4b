/** From the roots that an identity pins to those that hold now, over however many changes. */
import { describe, expect, it } from 'vitest';
import { encode } from '../../../shared/codec.ts';
import { followRoots, type FollowedRoots } from '../../../shared/follow-roots.ts';
import { toHex, type Signer } from '../../../shared/signing.ts';
import { decodeRoots, sealRoots } from '../../../shared/wire/roots.ts';
import { parseEnvelope, sealWith } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { signKeysFrom } from '../../support/keys.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { fleetId, subjects } = fleet;
const [first, second, third, thief] = [fleet.root, ...['2', '3', 'thief'].map((name) => signKeysFrom(name).signer)] as [
  Signer, Signer, Signer, Signer,
]; // prettier-ignore
const subject = subjects.controlDocument('roots');

interface Step {
  readonly roots: readonly Signer[];
  readonly by: Signer;
  readonly revision?: number;
  readonly subject?: string;
}

async function chain(...steps: readonly Step[]): Promise<Uint8Array> {
  let previous: Uint8Array | undefined;
  for (const [index, step] of steps.entries())
    previous = await sealRoots(fleetId, step.by, {
      subject: step.subject ?? subject,
      revision: step.revision ?? index + 1,
      roots: step.roots.map(({ publicKey }) => publicKey),
      ...(previous === undefined ? {} : { previous }),
    });
  return previous ?? new Uint8Array();
}

const pins = (...roots: readonly Signer[]): Uint8Array[] => roots.map(({ publicKey }) => publicKey);
const follow = (envelope: Uint8Array, ...pinned: readonly Signer[]): FollowedRoots =>
  followRoots(envelope, pins(...pinned), { fleetId, subjects });
const verdict = (envelope: Uint8Array, ...pinned: readonly Signer[]): string =>
  codeOf(() => follow(envelope, ...pinned));

/** Two rotations: each adds a root, then lets go of the old one. */
const rotations: readonly Step[] = [
  { roots: [first, second], by: first },
  { roots: [second], by: second },
  { roots: [second, third], by: second },
  { roots: [third], by: third },
];
const whole = await chain(...rotations);

describe('the chain of roots', () => {
  it.each([
    ['the first root', [first]],
    ['the first overlap', [first, second]],
    ['the second root', [second]],
    ['the newest root', [third]],
  ])('leads from %s to those that hold now', (_from, pinned) => {
    const { revision, roots } = follow(whole, ...pinned);
    expect([revision, roots.map(toHex)]).toEqual([4, pins(third).map(toHex)]);
  });

  it('leads nobody on who pins what was never among them', () => {
    expect(verdict(whole, thief)).toBe('unknown-root');
    expect(verdict(whole, first, third)).toBe('unknown-root');
  });

  it('of another fleet is refused', async () => {
    expect(verdict(await chain({ roots: [thief], by: thief }), thief)).toBe('unknown-root');
  });

  it.each<[string, readonly Step[], string]>([
    ['a step of a key that is no root', [{ roots: [first, thief], by: thief }], 'unknown-root'],
    ['a step of a root that was let go', [...rotations.slice(0, 2), { roots: [second, thief], by: first }], 'unknown-root'],
    ['a step of a root that it adds itself', [rotations[0]!, { roots: [second, thief], by: thief }], 'unknown-root'],
    ['a number left out', [rotations[0]!, { ...rotations[1]!, revision: 3 }], 'malformed'],
    ['a step for another subject', [{ ...rotations[0]!, subject: subjects.controlDocument('policy') }], 'misrouted'],
    ['a first step that forgets the first root', [{ roots: [second], by: first }], 'unknown-root'],
    ['more roots than may hold at once', [{ roots: [first, ...Array.from({ length: 8 }, () => second)], by: first }], 'malformed'],
    ['a root that is no key', [{ roots: [first, { ...second, publicKey: new Uint8Array(32) }], by: first }], 'bad-key'],
  ])('with %s is refused', async (_what, steps, code) => {
    expect(verdict(await chain(...steps), first)).toBe(code);
  }); // prettier-ignore

  it('that the thief of a root which was let go makes does not lead on from its successor', async () => {
    const forged = await chain(rotations[0]!, { roots: [second], by: first }, { roots: [thief], by: first });
    expect(verdict(forged, second)).toBe('unknown-root');
  });

  it('whose signature does not hold, or with two of them, is refused', async () => {
    const [, payload, signatures] = parseEnvelope(await chain(rotations[0]!));
    const [[alg, by]] = signatures as [['ed25519', Uint8Array, Uint8Array]];
    expect(verdict(encode([1, payload, [[alg, by, new Uint8Array(64)]]]), first)).toBe('bad-signature');
    expect(verdict(encode([1, payload, [...signatures, ...signatures]]), first)).toBe('malformed');
    // Signed as something else.
    const other = await sealWith('policy', fleetId, { signer: first, hash: by, reference: by }, payload);
    expect(verdict(other, first)).toBe('bad-signature');
  });

  it('that is longer than a fleet lives is refused', async () => {
    const step = { roots: [first, second], by: first };
    const most = await chain(...Array.from({ length: 64 }, () => step));
    expect(follow(most, first).revision).toBe(64);
    const payload = decodeRoots(parseEnvelope(most)[1]);
    const more = await sealRoots(fleetId, first, { ...payload, previous: most });
    expect(verdict(more, first)).toBe('malformed');
  });
});

describe('a trust store', () => {
  it('forgets what comes from a root that was let go, and knows the rest still', async () => {
    const trust = fleet.trust(new ManualClock());
    const old = await fleet.operator('alice');
    const renewed = await fleet.issue('operator', 'bob', {}, { signer: second, credential: undefined as never });
    trust.setRoots(pins(first, second));
    expect([old, renewed].map(({ credential }) => codeOf(() => trust.resolve(credential.bytes)))).toEqual([
      'accepted',
      'accepted',
    ]);
    trust.setRoots(pins(second));
    expect(codeOf(() => trust.resolve(old.credential.hash))).toBe('unknown-signer');
    expect(codeOf(() => trust.resolve(old.credential.bytes))).toBe('unknown-root');
    expect(codeOf(() => trust.resolve(renewed.credential.hash))).toBe('accepted');
  });
});
