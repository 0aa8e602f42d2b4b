/** Which policies a node takes from the bus, and which it goes on with after a restart. */
import { describe, expect, it } from 'vitest';
import { PolicyTaker } from '../../../../agent/control/policy-taker.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { decide } from '../../../../shared/policy/decide.ts';
import type { TravellingPolicy } from '../../../../shared/policy/policy.ts';
import { seal } from '../../../../shared/wire/envelope.ts';
import { bySerial, DAY_MS, FleetMaterial } from '../../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { codeOf } from '../../../support/refusal.ts';
import { circumstances } from '../../policy/circumstances.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const ada = await fleet.operator('ada', { roles: ['admin'] });
const policyFor = (...actions: string[]): TravellingPolicy => ({
  version: 1,
  roles: { operator: { allow: [{ actions }] } },
});

function start() {
  const clock = new ManualClock();
  const trust = fleet.trust(clock);
  const log = recordingLog();
  const taker = new PolicyTaker({ trust, subjects, clock, log });
  const take = (envelope: Uint8Array, kept = false): string => codeOf(() => taker.take(envelope, { kept }));
  const allows = (action: string): boolean =>
    taker.current !== undefined && decide(taker.current, { roles: ['operator'], action }, circumstances()).allowed;
  return { clock, trust, log, taker, take, allows };
}

describe('a policy', () => {
  it('holds from the moment it was taken, in the place of the one before', async () => {
    const { taker, allows } = start();
    expect(taker.current).toBe(undefined);
    expect(taker.take(await fleet.sealPolicy({ policy: policyFor('ping'), revision: 5 }), { kept: false })).toBe(5);
    expect([allows('ping'), allows('exec')]).toEqual([true, false]);
    expect(taker.take(await fleet.sealPolicy({ policy: policyFor('exec'), revision: 6 }), { kept: false })).toBe(6);
    expect([allows('ping'), allows('exec')]).toEqual([false, true]);
  });

  it('that is not newer changes nothing', async () => {
    const { taker, allows } = start();
    taker.take(await fleet.sealPolicy({ policy: policyFor('ping'), revision: 5 }), { kept: false });
    for (const revision of [5, 4])
      expect(taker.take(await fleet.sealPolicy({ policy: policyFor('exec'), revision }), { kept: false })).toBe(5);
    expect([allows('ping'), allows('exec')]).toEqual([true, false]);
  });

  const admin = { roles: ['admin'] };
  it.each<[string, () => Promise<Uint8Array>, string]>([
    ['of an admin', () => fleet.sealPolicy({ by: ada }), 'accepted'],
    ['of an operator without that role', async () => fleet.sealPolicy({ by: await fleet.operator('alice') }), 'not-an-admin'],
    ['of a service with that role', async () => fleet.sealPolicy({ by: await fleet.issue('service', 'robot', admin) }), 'not-an-admin'],
    ['of a node', async () => fleet.sealPolicy({ by: await fleet.node('db1') }), 'not-an-admin'],
    ['of the issuer', async () => fleet.sealPolicy({ by: await fleet.issuer() }), 'not-an-admin'],
    ['of an admin for some actions', async () => fleet.sealPolicy({ by: await fleet.operator('ada', { ...admin, limits: { actions: ['ping'] } }) }), 'not-an-admin'],
    ['of an admin for some nodes', async () => fleet.sealPolicy({ by: await fleet.operator('ada', { ...admin, limits: { where: 'role=db' } }) }), 'not-an-admin'],
    ['of an admin of yesterday', async () => fleet.sealPolicy({ by: await fleet.operator('ada', { ...admin, notAfter: NOW }) }), 'credential-expired'],
    ['of another fleet', async () => { const other = new FleetMaterial({ label: 'b' }); return other.sealPolicy(); }, 'unknown-root'],
    ['that was signed as something else', async () => seal('roster', fleet.fleetId, ada, new Uint8Array(), { inlineCredential: true }), 'bad-signature'],
    ['that belongs elsewhere', () => fleet.sealPolicy({ subject: 'fleet.main.ctl.revoked' }), 'misrouted'],
    ['of a later version', () => fleet.sealPolicy({ policy: { version: 2, roles: {} } as unknown as TravellingPolicy }), 'malformed'],
    ['from the future', () => fleet.sealPolicy({ revision: NOW + LIMITS.clockSkewMs + 1 }), 'revision-ahead'],
  ])('%s', async (_what, make, code) => {
    const { take, taker } = start();
    expect(take(await make())).toBe(code);
    expect(taker.current === undefined).toBe(code !== 'accepted');
  }); // prettier-ignore

  it('of who has been revoked is not taken any more', async () => {
    const { take, trust } = start();
    trust.revocations.add([bySerial(ada)], NOW, NOW);
    expect(take(await fleet.sealPolicy({ by: ada }))).toBe('revoked');
  });

  it('with a rule of a later version holds, but for that rule, and says so', async () => {
    const policy = {
      version: 1 as const,
      roles: { operator: { allow: [{ actions: ['ping'] }, { actions: ['exec'], moon: 'full' }] } },
    };
    const { allows, log, take } = start();
    expect(take(await fleet.sealPolicy({ policy }))).toBe('accepted');
    expect([allows('ping'), allows('exec')]).toEqual([true, false]);
    expect(log.events.at(-1)?.fields['problems']).toEqual([expect.stringContaining('roles.operator.allow.1')]);
  });
});

describe('a policy that this node had already', () => {
  it('holds on when the credential of who signed it has ended, or was revoked', async () => {
    const envelope = await fleet.sealPolicy({ by: ada, policy: policyFor('ping') });
    const later = start();
    later.clock.advance(40 * DAY_MS);
    expect(later.take(envelope)).toBe('credential-expired');
    expect(later.take(envelope, true)).toBe('accepted');
    expect(later.allows('ping')).toBe(true);

    const revoked = start();
    revoked.trust.revocations.add([bySerial(ada)], NOW, NOW);
    expect(revoked.take(envelope, true)).toBe('accepted');
  });

  it('is looked at all the same: a changed file is no policy', async () => {
    const { take } = start();
    const envelope = Uint8Array.from(await fleet.sealPolicy({ by: ada }));
    envelope[20] = (envelope[20] ?? 0) ^ 1;
    expect(take(envelope, true)).not.toBe('accepted');
    expect(take(await fleet.sealPolicy({ by: await fleet.operator('alice') }), true)).toBe('not-an-admin');
    expect(take(Uint8Array.of(1, 2, 3), true)).toBe('malformed');
  });
});
