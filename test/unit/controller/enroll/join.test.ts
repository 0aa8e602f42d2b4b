/** Who may join, and who not: the decisions of the enrolment service, each refusal with its reason. */
import { describe, expect, it } from 'vitest';
import { readRoster } from '../../../../controller/directory.ts';
import { encode } from '../../../../shared/codec.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { parseCredential } from '../../../../shared/wire/credential.ts';
import { sealJoinRequest } from '../../../../shared/wire/join-request.ts';
import { sealByKeys } from '../../../../shared/wire/keyed-envelope.ts';
import { EnrollDesk } from '../../../support/enroll-desk.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { signKeysFrom } from '../../../support/keys.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const { fleetId, subjects } = fleet;

const rosterOf = async (desk: EnrollDesk) =>
  (await readRoster({ fleet: 'main', bus: desk.bus, subjects, trust: fleet.trust(desk.clock) })).roster;

describe('a server with a token', () => {
  it('becomes a node: a credential over its own keys, with the facts of the token, and a place on the roster', async () => {
    const desk = await EnrollDesk.open(fleet);
    const token = await desk.token({ trusted: { role: 'web' } });
    const web1 = desk.joiner('web1');
    const { outcome, grant } = await desk.join(web1, token);
    expect(outcome).toBe('joined');
    const { body } = fleet.trust(desk.clock).verify(parseCredential(grant!.credential)).credential;
    expect(body).toMatchObject({ kind: 'node', name: 'web1', trusted: { role: 'web' }, roles: [], limits: {} });
    expect([body.sign, body.box]).toEqual([web1.signer.publicKey, web1.box.publicKey]);
    expect(grant).toMatchObject({ loginJwt: `node web1 ${web1.login}`, servers: ['nats://127.0.0.1:4222'] });
    expect((await rosterOf(desk)).get('web1')).toMatchObject({ state: 'joined', trusted: { role: 'web' } });
    expect(desk.joins).toEqual([
      expect.objectContaining({ outcome: 'joined', name: 'web1', token: token.id, serial: body.serial }),
    ]);
  });

  it('that asks again with the same keys gets the same credential, and takes no other use', async () => {
    const desk = await EnrollDesk.open(fleet);
    const token = await desk.token({ uses: 2 });
    const web1 = desk.joiner('web1');
    const first = await desk.join(web1, token);
    const second = await desk.join(web1, token);
    expect(second.grant?.credential).toEqual(first.grant?.credential);
    expect((await desk.join(desk.joiner('web2'), token)).outcome).toBe('joined');
    expect(await desk.join(desk.joiner('web3'), token)).toMatchObject({ outcome: 'refused', code: 'token-used-up' });
    // Also when the token has none left.
    expect((await desk.join(web1, token)).outcome).toBe('joined');
  });

  it('has no use of it that was given back by who has the server, with an entry from before it was used up', async () => {
    const desk = await EnrollDesk.open(fleet);
    const token = await desk.token({ uses: 1 });
    const before = await desk.bus.load('', subjects.enrollToken(token.id));
    expect((await desk.join(desk.joiner('web1'), token)).outcome).toBe('joined');
    await desk.bus.store(subjects.enrollToken(token.id), before!.data);
    await expect(desk.join(desk.joiner('web2'), token)).rejects.toMatchObject({ code: 'older-revision' });
    expect((await rosterOf(desk)).has('web2')).toBe(false);
  });

  it('takes the place of a node that was retired', async () => {
    const desk = await EnrollDesk.open(fleet);
    const token = await desk.token();
    const old = await fleet.node('web1');
    await desk.bus.store(subjects.roster('web1'), await fleet.sealRoster(old, { state: 'retired', revision: NOW + 5 }));
    expect((await desk.join(desk.joiner('web1', 'new'), token)).outcome).toBe('joined');
    expect((await rosterOf(desk)).get('web1')?.state).toBe('joined');
  });
});

describe('refused, with a reason, and nobody gets in', () => {
  const cases: readonly [string, string, (desk: EnrollDesk) => Promise<{ code?: string | undefined }>][] = [
    ['an identity that is taken', 'name-taken', async (desk) => {
      const token = await desk.token();
      await desk.join(desk.joiner('taken'), token);
      return desk.join(desk.joiner('taken', 'other keys'), token);
    }],
    ['a retired node by its old keys', 'retired', async (desk) => {
      const token = await desk.token();
      const joiner = desk.joiner('old');
      const node = await fleet.issue('node', 'old', { sign: joiner.signer.publicKey, box: joiner.box.publicKey }, await fleet.issuer());
      await desk.bus.store(subjects.roster('old'), await fleet.sealRoster(node, { state: 'retired' }));
      return desk.join(joiner, token);
    }],
    ['a node whose credential has expired', 'credential-expired', async (desk) => {
      const token = await desk.token();
      const joiner = desk.joiner('old');
      const node = await fleet.issue('node', 'old', { sign: joiner.signer.publicKey, box: joiner.box.publicKey, notAfter: NOW }, await fleet.issuer());
      await desk.bus.store(subjects.roster('old'), await fleet.sealRoster(node));
      return desk.join(joiner, token);
    }],
    ['a name with ../', 'bad-name', async (desk) => desk.join(desk.joiner('../etc'), await desk.token())],
    ['no name', 'bad-name', async (desk) => desk.join(desk.joiner(''), await desk.token())],
    ['a name that the token is not for', 'name-not-allowed', async (desk) =>
      desk.join(desk.joiner('db1'), await desk.token({ names: 'web*' }))],
    ['a request that was here before', 'replayed', async (desk) => {
      const token = await desk.token();
      const web1 = desk.joiner('web1');
      const request = desk.request(web1, token);
      const bytes = await sealJoinRequest(fleetId, { token: token.signer, node: web1.signer }, request);
      await desk.send(bytes);
      return (await desk.send(bytes))!;
    }],
    ['a token that nobody made', 'unknown-token', async (desk) => {
      const { signer } = signKeysFrom('forged');
      const { tokenIdOf } = await import('../../../../shared/wire/join-token.ts');
      return desk.join(desk.joiner('web1'), { id: tokenIdOf(signer.publicKey), signer, login: '' });
    }],
    ['a token that has ended', 'token-expired', async (desk) => {
      const token = await desk.token({ lifeMs: 60_000 });
      desk.clock.advance(60_000);
      return desk.join(desk.joiner('web1'), token);
    }],
    ['a token that was revoked', 'token-revoked', async (desk) => {
      const token = await desk.token();
      await desk.ask({ type: 'revoke-token', token: token.id });
      return desk.join(desk.joiner('web1'), token);
    }],
    ['a token that is used up', 'token-used-up', async (desk) => {
      const token = await desk.token({ uses: 1 });
      await desk.join(desk.joiner('first'), token);
      return desk.join(desk.joiner('web1'), token);
    }],
    ['a request signed with another token', 'bad-signature', async (desk) => {
      const token = await desk.token();
      return desk.join(desk.joiner('web1'), { ...token, signer: signKeysFrom('another').signer });
    }],
    ['a request that the new key did not sign', 'bad-signature', async (desk) => {
      const token = await desk.token();
      const web1 = desk.joiner('web1');
      const request = desk.request(web1, token);
      return (await desk.send(await sealJoinRequest(fleetId, { token: token.signer, node: signKeysFrom('x').signer }, request)))!;
    }],
    ['a request signed for another fleet', 'bad-signature', async (desk) => {
      const token = await desk.token();
      const web1 = desk.joiner('web1');
      const signers = { token: token.signer, node: web1.signer };
      return (await desk.send(await sealJoinRequest('0'.repeat(32), signers, desk.request(web1, token))))!;
    }],
    ['a request of one signature', 'malformed', async (desk) => {
      const token = await desk.token();
      const web1 = desk.joiner('web1');
      return (await desk.send(await sealByKeys('enroll', fleetId, [token.signer], encode(desk.request(web1, token)))))!;
    }],
    ['a signing key of small order', 'bad-key', async (desk) => {
      const token = await desk.token();
      const signer = { publicKey: new Uint8Array(32), sign: () => Promise.resolve(new Uint8Array(64)) };
      return desk.join({ ...desk.joiner('web1'), signer }, token);
    }],
    ['a box key of small order', 'bad-key', async (desk) =>
      desk.join(desk.joiner('web1'), await desk.token(), { box: new Uint8Array(32) })],
    ['a login key that is damaged', 'bad-key', async (desk) =>
      desk.join(desk.joiner('web1'), await desk.token(), { login: `U${'A'.repeat(55)}` })],
    ["the token's own key", 'bad-key', async (desk) => {
      const token = await desk.token();
      return desk.join({ ...desk.joiner('web1'), signer: token.signer }, token);
    }],
    ['a request from the future', 'clock-skew', async (desk) =>
      desk.join(desk.joiner('web1'), await desk.token(), { issued: NOW + LIMITS.clockSkewMs + 1, expires: NOW + 120_000 })],
    ['a request that ended', 'too-late', async (desk) =>
      desk.join(desk.joiner('web1'), await desk.token(), { issued: NOW - 1000, expires: NOW })],
    ['a request that would live too long', 'lives-too-long', async (desk) =>
      desk.join(desk.joiner('web1'), await desk.token(), { expires: NOW + LIMITS.joinRequestLifeMs + 1 })],
    ['what needs more than is known here', 'not-understood', async (desk) =>
      desk.join(desk.joiner('web1'), await desk.token(), { crit: ['plan'] })],
    ['a name under which there is something that nobody signed', 'entry-unusable', async (desk) => {
      await desk.bus.store(subjects.roster('broken'), await fleet.sealRoster(await fleet.node('other')));
      return desk.join(desk.joiner('broken'), await desk.token());
    }],
    ['what the issuer may not issue', 'beyond-issuer', async (desk) => {
      const other = new FleetMaterial({ label: 'narrow', issuerLimits: { kinds: ['node', 'join'], names: ['db*'] } });
      const narrow = await EnrollDesk.open(other, desk.bus);
      return narrow.join(narrow.joiner('web1'), await narrow.token());
    }],
  ]; // prettier-ignore

  it.each(cases)('%s', async (_what, code, attempt) => {
    const desk = await EnrollDesk.open(fleet, new FakeBus(), new ManualClock());
    const before = desk.joins.length;
    const answer = await attempt(desk);
    expect(answer).toMatchObject({ outcome: 'refused', code });
    expect((answer as { reason?: string }).reason).toMatch(/\w/);
    expect(answer).not.toHaveProperty('grant');
    if (code !== 'beyond-issuer') expect(desk.joins.slice(before).at(-1)).toMatchObject({ outcome: 'refused', code });
    const web1 = (await rosterOf(desk)).get('web1');
    // What was refused for coming twice came once.
    expect(web1 !== undefined).toBe(code === 'replayed');
  });

  it('says what time it is here to who asks with a clock that is off', async () => {
    const desk = await EnrollDesk.open(fleet);
    const answer = await desk.join(desk.joiner('web1'), await desk.token(), {
      issued: NOW + 3_600_000,
      expires: NOW + 3_700_000,
    });
    expect(answer).toMatchObject({ code: 'clock-skew', now: NOW });
    expect(answer.reason).toContain(new Date(NOW).toISOString());
  });

  it('what is no request at all gets no answer', async () => {
    const desk = await EnrollDesk.open(fleet);
    for (const bytes of [new Uint8Array(), Uint8Array.of(0xc1), encode([1, new Uint8Array(), []]), encode('join')])
      expect(await desk.send(bytes)).toBeUndefined();
    expect(desk.joins).toEqual([]);
  });
});

describe('uses of a token', () => {
  it('are taken once each, by however many come at once, through several services', async () => {
    const bus = new FakeBus();
    const desks = [await EnrollDesk.open(fleet, bus), await EnrollDesk.open(fleet, bus)];
    const token = await desks[0]!.token({ uses: 10 });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, index) => desks[index % 2]!.join(desks[0]!.joiner(`web${index}`), token)),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'joined')).toHaveLength(10);
    expect(outcomes.filter(({ code }) => code === 'token-used-up')).toHaveLength(30);
    expect((await rosterOf(desks[0]!)).size).toBe(10);
    expect(await desks[0]!.tokenUsed(token)).toBe(10);
  });

  it('of who found its name taken at the last moment is there for others', async () => {
    const bus = new FakeBus();
    const desk = await EnrollDesk.open(fleet, bus);
    const token = await desk.token({ uses: 2 });
    const outcomes = await Promise.all([
      desk.join(desk.joiner('web1', 'a'), token),
      desk.join(desk.joiner('web1', 'b'), token),
    ]);
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual(['name-taken', undefined]);
    await desk.uses.settle();
    expect((await desk.join(desk.joiner('web2'), token)).outcome).toBe('joined');
    expect(await desk.tokenUsed(token)).toBe(2);
  });

  it('belongs to who took it before the service was killed', async () => {
    const bus = new FakeBus();
    const desk = await EnrollDesk.open(fleet, bus);
    const token = await desk.token({ uses: 1 });
    const web1 = desk.joiner('web1');
    const store = bus.store.bind(bus);
    // It has the use, and then the bus goes.
    bus.store = (subject, ...rest) =>
      subject === subjects.roster('web1') ? Promise.reject(new Error('killed')) : store(subject, ...rest);
    await expect(desk.join(web1, token)).rejects.toThrow('killed');
    bus.store = store;
    const restarted = await EnrollDesk.open(fleet, bus);
    expect(await restarted.join(restarted.joiner('web2'), token)).toMatchObject({ code: 'token-used-up' });
    expect((await restarted.join(web1, token)).outcome).toBe('joined');
  });
});
