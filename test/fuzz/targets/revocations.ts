/** Lists of revocations, of any content, really signed by issuers and others: who is revoked by whom. */
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { takeRevocations } from '../../../shared/take-revocations.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { bySerial, byKey, DAY_MS, FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const revocations: FuzzTarget = {
  name: 'revocations',
  about:
    'lists of revocations of any content, really signed: an issuer never revokes itself, nor one that came after it',
  sources: ['shared/take-revocations.ts', 'shared/revocations.ts', 'shared/wire/revocations.ts'],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'subject revision entries serial key kind name reason since until crit issuer node operator fleet.main.ctl.revoked'.split(
      ' ',
    ),
  work: { base: 1_000_000, perByte: 5_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const clock = new ManualClock();
  const issuer = await fleet.issuer();
  const later = await fleet.issue('issuer', 'later', { notBefore: fleet.now - DAY_MS / 2 });
  const narrow = await fleet.issue('issuer', 'narrow', { limits: { kinds: ['node'], names: ['web*'] } });
  const [alice, db1] = [await fleet.operator('alice'), await fleet.node('db1')];
  const subject = fleet.subjects.controlDocument('revoked');
  const list = (entries: readonly unknown[], revision = 1): Uint8Array => encode({ subject, revision, entries });
  return {
    seeds: [
      list([bySerial(alice, 'lost'), byKey(db1)]),
      list([bySerial(issuer), byKey(issuer), bySerial(later), byKey(later)], fleet.now),
      list([], 2),
      list(
        [
          { ...bySerial(db1), until: 0 },
          { ...bySerial(db1), ...byKey(db1) },
        ],
        3,
      ),
    ],
    run: async (input) => {
      const outcomes: string[] = [];
      for (const by of [issuer, later, narrow, alice]) {
        const trust = fleet.trust(clock);
        const data = await seal('revocation', fleet.fleetId, by, input, { inlineCredential: true });
        let taken: ReturnType<typeof takeRevocations>;
        const code = codeOf(() => {
          taken = takeRevocations(data, 0, { clock, subjects: fleet.subjects, trust });
        });
        if (code !== 'accepted') promise(trust.revocations.size === 0, 'refused, and yet something is revoked');
        else {
          promise(by === issuer || by === later, 'taken from who may not');
          promise(
            taken?.subject === subject && taken.revision <= clock.now() + LIMITS.clockSkewMs,
            'taken out of place',
          );
        }
        promise(trust.revocations.find(by.credential) === undefined, 'somebody revoked itself');
        if (by === issuer)
          promise(trust.revocations.find(later.credential) === undefined, 'an issuer revoked a later one');
        outcomes.push(trust.revocations.find(alice.credential) === undefined ? code : `${code}, revoked`);
      }
      return outcomes.join(' ');
    },
  };
}
