/** Vectors of who is believed: lists of revocations, and what they do to credentials; chains of roots. Verdicts by hand. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256, type Signer } from '../../../shared/signing.ts';
import { parseEnvelope, sealWith } from '../../../shared/wire/envelope.ts';
import { decodeRoots, sealRoots } from '../../../shared/wire/roots.ts';
import { byKey, bySerial, DAY_MS, FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { signKeysFrom } from '../../support/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { hex, type RevocationVectors } from './vector.ts';

export async function revocationVectors(fleet: FleetMaterial): Promise<RevocationVectors> {
  return { lists: await listVectors(fleet), roots: await rootsVectors(fleet) };
}

async function listVectors(fleet: FleetMaterial): Promise<RevocationVectors['lists']> {
  const vectors: RevocationVectors['lists'][number][] = [];
  const [issuer, alice, db1] = [await fleet.issuer(), await fleet.operator('alice'), await fleet.node('db1')];
  const later = await fleet.issue('issuer', 'later', { notBefore: NOW, limits: { kinds: ['node', 'join'] } });
  const made = await fleet.issue('issuer', 'made', { notBefore: NOW + 1 }, await fleet.issue('issuer', 'old', { notBefore: NOW - 2 * DAY_MS })); // prettier-ignore
  const subject = fleet.subjects.controlDocument('revoked');
  const add = async (
    name: string,
    entries: readonly object[],
    options: { by?: Member; revision?: number; subject?: string; payload?: object; as?: 'policy' },
    verdict: string,
    revoked: readonly [Member, boolean][] = [],
  ): Promise<void> => {
    const { by = issuer, revision = 1, payload } = options;
    const body = encode({ subject: options.subject ?? subject, revision, entries, ...payload });
    const who = { signer: by.signer, hash: by.credential.hash, reference: by.credential.bytes };
    vectors.push({
      name,
      now: NOW,
      message: hex(await sealWith(options.as ?? 'revocation', fleet.fleetId, who, body)),
      verdict,
      credentials: revoked.map(([{ credential }, isRevoked]) => ({ credential: hex(credential.bytes), verdict: isRevoked ? 'revoked' : 'accepted' })),
    });
  }; // prettier-ignore
  await add('a serial', [bySerial(alice, 'laptop stolen')], {}, 'accepted', [[alice, true], [db1, false]]); // prettier-ignore
  await add('a key', [byKey(alice)], {}, 'accepted', [[alice, true], [db1, false]]); // prettier-ignore
  await add('nothing', [], {}, 'accepted', [[alice, false]]);
  await add('an entry with a field of a later version', [{ ...bySerial(alice), later: 1 }], {}, 'accepted', [[alice, true]]); // prettier-ignore
  await add('an issuer, by one that came later', [bySerial(issuer)], { by: later }, 'accepted', [[issuer, true], [db1, true], [alice, false]]); // prettier-ignore
  await add('an issuer, by itself', [bySerial(issuer), byKey(issuer)], {}, 'accepted', [[issuer, false], [db1, false]]); // prettier-ignore
  await add('an issuer, by one that came before', [bySerial(later), byKey(later)], {}, 'accepted', [[later, false]]);
  await add('an issuer, by one that an earlier one made', [bySerial(later)], { by: made }, 'accepted', [[later, false]]);
  await add('as far ahead as clocks may be apart', [], { revision: NOW + LIMITS.clockSkewMs }, 'accepted');
  await add('further ahead', [bySerial(alice)], { revision: NOW + LIMITS.clockSkewMs + 1 }, 'revision-ahead', [[alice, false]]); // prettier-ignore
  await add('by an operator', [bySerial(db1)], { by: alice }, 'not-an-issuer', [[db1, false]]);
  await add('by a node', [bySerial(alice)], { by: db1 }, 'not-an-issuer', [[alice, false]]);
  await add('by an issuer of some names', [bySerial(alice)], { by: await fleet.issue('issuer', 'web', { limits: { names: ['web*'] } }) }, 'beyond-issuer', [[alice, false]]); // prettier-ignore
  await add('by an issuer whose credential has ended', [], { by: await fleet.issue('issuer', 'ended', { notAfter: NOW }) }, 'credential-expired'); // prettier-ignore
  await add('of another fleet', [], { by: await new FleetMaterial({ label: 'other' }).issuer() }, 'unknown-root');
  await add('for another subject', [], { subject: fleet.subjects.controlDocument('policy') }, 'misrouted');
  await add('signed as something else', [], { as: 'policy' }, 'bad-signature');
  await add('without a number', [], { payload: { revision: 0 } }, 'malformed');
  await add('an entry of nothing', [{ since: NOW, until: NOW }], {}, 'malformed');
  await add('a serial that is none', [{ ...bySerial(alice), serial: 'ALICE' }], {}, 'malformed');
  await add('a reason that is too long', [bySerial(alice, 'x'.repeat(LIMITS.revocationReasonLength + 1))], {}, 'malformed'); // prettier-ignore
  await add('that needs what is not known', [], { payload: { crit: ['later'], later: 1 } }, 'not-understood');
  return vectors;
}

interface Step {
  readonly roots: readonly Signer[];
  readonly by: Signer;
  readonly revision?: number;
  readonly subject?: string;
}

async function rootsVectors(fleet: FleetMaterial): Promise<RevocationVectors['roots']> {
  const vectors: RevocationVectors['roots'][number][] = [];
  const [first, second, third, thief] = [fleet.root, ...['root 2', 'root 3', 'thief'].map((label) => signKeysFrom(label).signer)] as [Signer, Signer, Signer, Signer]; // prettier-ignore
  const subject = fleet.subjects.controlDocument('roots');
  const keys = (roots: readonly Signer[]): string[] => roots.map(({ publicKey }) => hex(publicKey));
  const chain = async (...steps: readonly Step[]): Promise<Uint8Array> => {
    let previous: Uint8Array | undefined;
    for (const [index, step] of steps.entries())
      previous = await sealRoots(fleet.fleetId, step.by, {
        subject: step.subject ?? subject,
        revision: step.revision ?? index + 1,
        roots: step.roots.map(({ publicKey }) => publicKey),
        ...(previous === undefined ? {} : { previous }),
      });
    return previous ?? new Uint8Array();
  };
  const add = (name: string, pinned: readonly Signer[], message: Uint8Array, verdict: string, roots?: readonly Signer[]): void =>
    void vectors.push({ name, pinned: keys(pinned), message: hex(message), verdict, ...(roots === undefined ? {} : { roots: keys(roots) }) }); // prettier-ignore
  const [begin, end] = [{ roots: [first, second], by: first }, { roots: [second], by: second }];
  const twice = [begin, end, { roots: [second, third], by: second }, { roots: [third], by: third }];
  const whole = await chain(...twice);
  add('of one who pins the first root', [first], whole, 'accepted', [third]);
  add('of one who was there for the first overlap', [second, first], whole, 'accepted', [third]);
  add('of one who pins the second root', [second], whole, 'accepted', [third]);
  add('of one who has followed already', [third], whole, 'accepted', [third]);
  add('of one who pins what was never a root', [thief], whole, 'unknown-root');
  add('of one who pins some that never held together', [first, third], whole, 'unknown-root');
  add('of another fleet', [thief], await chain({ roots: [thief], by: thief }), 'unknown-root');
  add('that forgets the first root at once', [first], await chain({ roots: [second], by: first }), 'unknown-root');
  add('signed by who is added', [first], await chain({ roots: [first, thief], by: thief }), 'unknown-root');
  add('signed by who was let go', [first], await chain(begin, end, { roots: [second, thief], by: first }), 'unknown-root'); // prettier-ignore
  add('with a number left out', [first], await chain(begin, { ...end, revision: 3 }), 'malformed');
  add('for another subject', [first], await chain({ ...begin, subject: fleet.subjects.controlDocument('revoked') }), 'misrouted'); // prettier-ignore
  const [, payload, signatures] = parseEnvelope(await chain(begin));
  add('with two signatures', [first], encode([1, payload, [...signatures, ...signatures]]), 'malformed');
  const hash = sha256(first.publicKey);
  add('signed as something else', [first], await sealWith('policy', fleet.fleetId, { signer: first, hash, reference: hash }, payload), 'bad-signature'); // prettier-ignore
  const later = { ...decodeRoots(payload), crit: ['later'], later: 1 };
  add('that needs what is not known', [first], await sealRoots(fleet.fleetId, first, later), 'not-understood');
  return vectors;
}
