/** Operators who decide about joining: what they may, what they get, and that a decision is final. */
import { describe, expect, it } from 'vitest';
import { readRoster } from '../../../../controller/directory.ts';
import { createLoginKeys } from '../../../../shared/keys.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { encodeAdmin, type AdminQuestion, type ShownRequest } from '../../../../shared/wire/enroll-admin.ts';
import { seal } from '../../../../shared/wire/envelope.ts';
import { tokenIdOf } from '../../../../shared/wire/join-token.ts';
import { fingerprintOf } from '../../../../shared/wire/join-request.ts';
import { EnrollDesk, type DeskToken, type Joiner } from '../../../support/enroll-desk.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { bytesFrom, signKeysFrom } from '../../../support/keys.ts';
import { NOW } from '../../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const { fleetId, subjects } = fleet;
const TOKENS: AdminQuestion = { type: 'tokens' };

const rosterOf = async (desk: EnrollDesk) =>
  (await readRoster({ fleet: 'main', bus: desk.bus, subjects, trust: fleet.trust(desk.clock) })).roster;

const idOf = ({ signer, box, login }: Joiner): string =>
  fingerprintOf({ sign: signer.publicKey, box: box.publicKey, login });

const pending = async (desk: EnrollDesk): Promise<ShownRequest[]> => {
  const { result } = await desk.ask({ type: 'requests', pendingOnly: true });
  return result?.type === 'requests' ? result.requests : [];
};

describe('a request that waits for a person', () => {
  const waiting = async (): Promise<{ desk: EnrollDesk; token: DeskToken; web1: Joiner; request: string }> => {
    const desk = await EnrollDesk.open(fleet);
    const token = await desk.token({ approval: 'by-hand', trusted: { role: 'web' } });
    const web1 = desk.joiner('web1');
    expect(await desk.join(web1, token)).toMatchObject({ outcome: 'pending' });
    return { desk, token, web1, request: idOf(web1) };
  };

  it('is listed with what helps to decide, and lets nobody in', async () => {
    const { desk, token, request } = await waiting();
    const host = { hostname: 'web1', os: 'Debian 12', addresses: ['10.0.0.1'] };
    const shown = { request, name: 'web1', token: token.id, host, state: 'pending', asked: NOW };
    expect(await pending(desk)).toEqual([expect.objectContaining(shown)]);
    expect((await rosterOf(desk)).size).toBe(0);
  });

  it('takes one use, however often it asks', async () => {
    const { desk, token, web1 } = await waiting();
    for (let again = 0; again < 3; again++) expect((await desk.join(web1, token)).outcome).toBe('pending');
    expect([await desk.tokenUsed(token), (await pending(desk)).length]).toEqual([1, 1]);
  });

  it('is approved: the next question gets what a node gets', async () => {
    const { desk, token, web1, request } = await waiting();
    const { result } = await desk.ask({ type: 'approve', request });
    expect(result).toMatchObject({ entry: { state: 'joined', decided: { by: 'alice', at: NOW } } });
    expect(await desk.join(web1, token)).toMatchObject({
      outcome: 'joined',
      grant: { loginJwt: `node web1 ${web1.login}` },
    });
    expect((await rosterOf(desk)).get('web1')?.trusted).toEqual({ role: 'web' });
    expect(await pending(desk)).toEqual([]);
    expect(desk.deeds).toContainEqual(expect.objectContaining({ question: 'approve', subject: request, name: 'web1' }));
  });

  it('is denied: for good, and with the reason', async () => {
    const { desk, token, web1, request } = await waiting();
    await desk.ask({ type: 'deny', request, reason: 'nobody knows this machine' });
    const refused = { outcome: 'refused', code: 'denied', reason: 'an operator said no: nobody knows this machine' };
    expect(await desk.join(web1, token)).toMatchObject(refused);
    expect(await desk.ask({ type: 'approve', request })).toMatchObject({ code: 'already-decided' });
    expect((await rosterOf(desk)).size).toBe(0);
  });

  it('that was approved is not denied any more', async () => {
    const { desk, request } = await waiting();
    await desk.ask({ type: 'approve', request });
    expect(await desk.ask({ type: 'deny', request })).toMatchObject({ code: 'already-decided' });
    // Said twice is said once.
    expect(await desk.ask({ type: 'approve', request })).toMatchObject({ result: { entry: { state: 'joined' } } });
  });

  it('is not approved when its token was revoked, or its name is taken by now', async () => {
    const { desk, token, request } = await waiting();
    const other = await desk.token({}, 'other');
    await desk.join(desk.joiner('web1', 'faster'), other);
    expect(await desk.ask({ type: 'approve', request })).toMatchObject({ code: 'name-taken' });
    await desk.ask({ type: 'revoke-token', token: token.id });
    expect(await desk.ask({ type: 'approve', request })).toMatchObject({ code: 'token-revoked' });
  });

  it('of one name may come from several, and one is approved', async () => {
    const { desk, token, web1, request } = await waiting();
    const thief = desk.joiner('web1', 'thief');
    expect((await desk.join(thief, token)).outcome).toBe('pending');
    expect((await pending(desk)).map((one) => one.request).toSorted()).toEqual([request, idOf(thief)].toSorted());
    await desk.ask({ type: 'approve', request });
    expect((await desk.join(web1, token)).outcome).toBe('joined');
    expect(await desk.join(thief, token)).toMatchObject({ code: 'name-taken' });
  });

  it('is found again by a service that was interrupted while it approved', async () => {
    const { desk, token, web1, request } = await waiting();
    const { bus } = desk;
    const store = bus.store.bind(bus);
    bus.store = (subject, ...rest) =>
      subject === subjects.enrollRequest(request) ? Promise.reject(new Error('killed')) : store(subject, ...rest);
    await expect(desk.ask({ type: 'approve', request })).rejects.toThrow('killed');
    bus.store = store;
    const restarted = await EnrollDesk.open(fleet, bus);
    expect((await restarted.join(web1, token)).outcome).toBe('joined');
    const { result } = await restarted.ask({ type: 'approve', request });
    expect(result).toMatchObject({ entry: { state: 'joined' } });
  });
});

describe('a token', () => {
  it('is made of public keys, and lists show nothing that could be used as one', async () => {
    const desk = await EnrollDesk.open(fleet);
    const token = await desk.token({ trusted: { role: 'web' }, names: 'web*', uses: 3 });
    const { result } = await desk.ask(TOKENS);
    const expires = NOW + 3_600_000;
    const shown = {
      token: token.id,
      uses: 3,
      used: 0,
      names: 'web*',
      trusted: { role: 'web' },
      made: { by: 'alice', at: NOW },
      expires,
    };
    expect(result).toMatchObject({ tokens: [shown], more: false });
    expect(JSON.stringify(result)).not.toContain(token.login);
  });

  it('is made once: its id comes from its key', async () => {
    const desk = await EnrollDesk.open(fleet);
    await desk.token();
    await expect(desk.token({ uses: 100_000, trusted: { role: 'db' } })).rejects.toThrow('there is a token');
  });

  it('is not made for names that are no pattern, or with keys that must not be used', async () => {
    const desk = await EnrollDesk.open(fleet);
    await expect(desk.token({ names: 'web[' })).rejects.toThrow('expected');
    await expect(desk.token({ sign: new Uint8Array(32) })).rejects.toThrow('usable public key');
    await expect(desk.token({ login: `U${'A'.repeat(55)}` })).rejects.toThrow('usable login key');
  });

  it('may be listed with hundreds of others, a page at a time', async () => {
    const desk = await EnrollDesk.open(fleet);
    const total = LIMITS.enrollPage + 3;
    const login = createLoginKeys().publicKey;
    for (let index = 0; index < total; index++) await desk.token({ login }, `token ${index}`);
    const first = await desk.ask(TOKENS);
    if (first.result?.type !== 'tokens') throw new Error('no list');
    expect([first.result.tokens.length, first.result.more]).toEqual([LIMITS.enrollPage, true]);
    const rest = await desk.ask({ type: 'tokens', after: first.result.tokens.at(-1)!.token });
    if (rest.result?.type !== 'tokens') throw new Error('no list');
    expect([rest.result.tokens.length, rest.result.more]).toEqual([3, false]);
  });
});

describe('who may decide', () => {
  const ids = { token: tokenIdOf(signKeysFrom('t').signer.publicKey), request: 'x' };
  const questions: readonly AdminQuestion[] = [
    { type: 'make-token', sign: signKeysFrom('t').signer.publicKey, login: createLoginKeys().publicKey, lifeMs: 1000, uses: 1, trusted: {}, approval: 'at-once' },
    TOKENS,
    { type: 'requests', pendingOnly: true },
    { type: 'approve', request: ids.request },
    { type: 'deny', request: ids.request },
    { type: 'revoke-token', token: ids.token },
  ]; // prettier-ignore

  it.each(questions)('is nobody without the role: $type', async (question) => {
    const desk = await EnrollDesk.open(fleet);
    const bob = await fleet.operator('bob', { roles: ['operator'] });
    expect(await desk.ask(question, bob)).toMatchObject({ code: 'not-authorized' });
    const limited = await fleet.operator('carol', { roles: ['admin'], limits: { actions: ['ping'] } });
    expect(await desk.ask(question, limited)).toMatchObject({ code: 'not-authorized' });
    const local = await fleet.operator('dan', { roles: ['admin'], limits: { where: 'trusted.env=lab' } });
    expect(await desk.ask(question, local)).toMatchObject({ code: 'not-authorized' });
    expect(desk.deeds.pop()).toMatchObject({ caller: { name: 'dan' }, code: 'not-authorized' });
    expect(desk.deeds).toEqual([
      expect.objectContaining({ caller: expect.objectContaining({ name: 'bob' }) as object, code: 'not-authorized' }),
      expect.objectContaining({ caller: expect.objectContaining({ name: 'carol' }) as object, code: 'not-authorized' }),
    ]);
  });

  it('is no node, no issuer, and nobody of another fleet', async () => {
    const desk = await EnrollDesk.open(fleet);
    const request = encodeAdmin({ id: bytesFrom('id', 16), issued: NOW, expires: NOW + 1000, question: TOKENS });
    const ask = async (by: Parameters<typeof seal>[2], id = fleetId) =>
      desk.sendAdmin(await seal('enroll-admin', id, by, request, { inlineCredential: true }));
    expect(await ask(await fleet.node('web1', { roles: ['admin'] }))).toMatchObject({ code: 'not-authorized' });
    expect(await ask(await fleet.issuer())).toMatchObject({ code: 'not-authorized' });
    const other = new FleetMaterial({ label: 'other' });
    const stranger = await other.operator('alice', { roles: ['admin'] });
    expect(await ask(stranger, other.fleetId)).toBeUndefined();
    expect(await ask(stranger)).toBeUndefined();
    expect(await desk.sendAdmin(Uint8Array.of(0xc1))).toBeUndefined();
  });

  it('asks freshly, and once', async () => {
    const desk = await EnrollDesk.open(fleet);
    const id = bytesFrom('once', 16);
    expect(await desk.ask(TOKENS, undefined, { id })).toHaveProperty('result');
    expect(await desk.ask(TOKENS, undefined, { id })).toMatchObject({ code: 'replayed' });
    const late = await desk.ask(TOKENS, undefined, { issued: NOW - 60_000, expires: NOW });
    expect(late).toMatchObject({ code: 'too-late', now: NOW });
    const early = await desk.ask(TOKENS, undefined, { issued: NOW + LIMITS.clockSkewMs + 1, expires: NOW + 100_000 });
    expect(early).toMatchObject({ code: 'clock-skew' });
    const long = await desk.ask(TOKENS, undefined, { expires: NOW + LIMITS.joinRequestLifeMs + 1 });
    expect(long).toMatchObject({ code: 'lives-too-long' });
  });

  it('is nobody whose credential was revoked', async () => {
    const revoked = await fleet.operator('mallory', { roles: ['admin'] });
    const desk = await EnrollDesk.open(fleet);
    desk.trust.revocations.add([{ serial: revoked.credential.body.serial, since: NOW, until: NOW + 1e9 }], NOW, NOW);
    const request = encodeAdmin({ id: bytesFrom('id', 16), issued: NOW, expires: NOW + 1000, question: TOKENS });
    const bytes = await seal('enroll-admin', fleetId, revoked, request, { inlineCredential: true });
    expect(await desk.sendAdmin(bytes)).toBeUndefined();
  });
});
