/**
 * A thief with a token, and a NATS client that does what it likes with the keys in it: what can be published and heard, and
 * what the service makes of what arrives. The bus, its permissions and the service are real.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, Events, jwtAuthenticator, type NatsConnection, type Subscription } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNatsServer } from '../../controller/dev/find-nats-server.ts';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import { openEnrollment, type Enrollment } from '../../controller/enroll/open-enrollment.ts';
import { Fleet } from '../../controller/fleet.ts';
import { createFleet } from '../../controller/setup/create-fleet.ts';
import { enrollNodes } from '../../controller/setup/enroll-node.ts';
import { FleetHome } from '../../controller/setup/fleet-home.ts';
import { systemClock } from '../../shared/clock.ts';
import { readIdentity } from '../../shared/identity.ts';
import { boxKeyOf, createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import { loginFromSeed } from '../../shared/login.ts';
import { signerFromSeed } from '../../shared/signing.ts';
import { joinInboxPrefix } from '../../shared/subjects.ts';
import { TrustStore } from '../../shared/trust.ts';
import { parseCredential } from '../../shared/wire/credential.ts';
import { open } from '../../shared/wire/envelope.ts';
import { decodeJoinAnswer, openGrant, type JoinAnswer } from '../../shared/wire/join-answer.ts';
import { sealJoinRequest } from '../../shared/wire/join-request.ts';
import { formatJoinToken, parseJoinToken, type JoinToken } from '../../shared/wire/join-token.ts';
import { startChild, type Child } from '../support/child-process.ts';
import { recordingLog } from '../support/recording-log.ts';
import { waitFor } from '../support/wait-for.ts';

const F = 'fleet.main';
const folder = mkdtempSync(join(tmpdir(), 'fleet-thief-'));
const home = new FleetHome(join(folder, 'fleet'));
const stop = new AbortController();
let url: string;
let bus: Child;
let service: Enrollment;
let fleet: Fleet;
/** Of the owner, made the way `fleet enroll token` makes it; the thief has copies. */
let stolen: JoinToken;
let other: JoinToken;
let thief: NatsConnection;
const refused: string[] = [];
const log = recordingLog();

beforeAll(async () => {
  const port = await findFreePort();
  const listen = `127.0.0.1:${port}`;
  url = `nats://${listen}`;
  const now = Date.now();
  await createFleet(home, { fleet: 'main', servers: [url], listen, operator: 'alice', now, certificates: 'none' });
  const { PATH: path, FLEET_NATS_SERVER: explicit } = process.env;
  const { path: program } = await findNatsServer({ explicit, path });
  bus = await startChild(program, ['-c', home.natsConfig], { cwd: home.folder });
  await waitFor(() => bus.output().includes('Server is ready'), { what: 'the bus to be ready' });
  service = await openEnrollment(home, { clock: systemClock, log, signal: stop.signal });
  await enrollNodes(home, { names: ['db1'], renew: false, now });
  fleet = await Fleet.connect({ servers: [url], identity: home.operator('alice') });
  stolen = await makeToken(5);
  other = await makeToken(5);
  thief = await connectWith(stolen.loginSeed, stolen.loginJwt, joinInboxPrefix(stolen.id));
});
afterAll(async () => {
  await thief?.close();
  await fleet?.close();
  await service?.close();
  await bus?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function makeToken(uses: number): Promise<JoinToken> {
  const [sign, login] = [createSignKeys(), createLoginKeys()];
  const { entry, made } = await fleet.enroll(
    { type: 'make-token', sign: sign.publicKey, login: login.publicKey, lifeMs: 600_000, uses, trusted: {}, approval: 'at-once' },
    'token',
  ); // prettier-ignore
  const { fleetId, roots } = await fleet.roots();
  const text = formatJoinToken({
    fleet: 'main',
    fleetId,
    roots,
    signSeed: sign.secret,
    loginSeed: login.seed,
    loginJwt: made!.loginJwt,
    expires: entry.expires,
    ca: undefined,
  });
  return parseJoinToken(text);
}

async function connectWith(seed: string, jwt: string, inboxPrefix: string): Promise<NatsConnection> {
  const nc = await connect({
    servers: url,
    authenticator: jwtAuthenticator(jwt, new TextEncoder().encode(seed)),
    inboxPrefix,
    reconnect: false,
  });
  void (async () => {
    for await (const { type, permissionContext } of nc.status())
      if (type === Events.Error && permissionContext !== undefined)
        refused.push(`${permissionContext.operation} ${permissionContext.subject}`);
  })();
  return nc;
}

/** What the server refuses of what is done. */
async function refusals(nc: NatsConnection, act: () => unknown): Promise<string[]> {
  refused.length = 0;
  act();
  await nc.flush();
  await nc.flush();
  return [...refused].toSorted();
}

function makeKeys() {
  const [sign, box, login] = [createSignKeys(), createBoxKeys(), createLoginKeys()];
  return { signer: signerFromSeed(sign.secret), box, login };
}
type Keys = ReturnType<typeof makeKeys>;

async function requestOf(token: JoinToken, keys: Keys, name: string): Promise<Uint8Array> {
  const now = Date.now();
  return sealJoinRequest(
    token.fleetId,
    { token: token.signer, node: keys.signer },
    {
      id: crypto.getRandomValues(new Uint8Array(16)),
      token: token.id,
      name,
      sign: keys.signer.publicKey,
      box: keys.box.publicKey,
      login: keys.login.publicKey,
      issued: now,
      expires: now + 60_000,
      host: { hostname: '', os: '', addresses: [] },
    },
  );
}

function read(data: Uint8Array): JoinAnswer {
  const trust = new TrustStore({ fleetId: stolen.fleetId, roots: stolen.roots }, { clock: systemClock });
  return decodeJoinAnswer(open('enroll', stolen.fleetId, data, trust).payload);
}

const ask = async (data: Uint8Array): Promise<JoinAnswer> =>
  read((await thief.request(`${F}.svc.enroll`, data, { timeout: 5_000, noMux: true })).data);

describe('at the bus, the keys of a token', () => {
  it('publish to the one subject where one asks to join, and nowhere else', async () => {
    const others = [
      `${F}.svc.enroll-admin`, `${F}.svc.other`, `${F}.cmd.all`, `${F}.cmd.node.db1`, `${F}.ctl.policy`, `${F}.ctl.revoked`,
      `${F}.roster.db1`, `${F}.inv.db1`, `${F}.res.alice.j.db1`, `${F}.aud.db1`, `${F}.evt.db1.up`, `${F}.job.alice.j`,
      `${F}.enroll.token.${stolen.id}`, `${F}.enroll.request.x`, '_INBOX_issuer.x', '_INBOX_alice.x', `_INBOX_join.${other.id}.x`,
      '$JS.API.STREAM.LIST', '$JS.API.STREAM.MSG.GET.FLEET_main_ENROLL', '$JS.API.DIRECT.GET.FLEET_main_ENROLL.x',
      '$JS.API.CONSUMER.CREATE.FLEET_main_ENROLL.a.fleet.main.enroll.token.*', '$SYS.REQ.SERVER.PING', 'anything',
    ]; // prettier-ignore
    const heard = await refusals(thief, () => others.forEach((subject) => thief.publish(subject)));
    expect(heard).toEqual(others.map((subject) => `publish ${subject}`).toSorted());
    expect(await refusals(thief, () => thief.publish(`${F}.svc.enroll`))).toEqual([]);
  });

  it('hear the answers to those who use this token, and nothing else', async () => {
    const others = [
      '>', `${F}.>`, `${F}.svc.enroll`, `${F}.cmd.all`, `${F}.ctl.>`, `${F}.roster.*`, `${F}.enroll.token.*`, `${F}.aud.>`,
      '_INBOX.>', '_INBOX_join.>', `_INBOX_join.${other.id}.*`, '_INBOX_issuer.>', '_INBOX_db1.>', '$SYS.>', '$JS.>',
    ]; // prettier-ignore
    const subscriptions: Subscription[] = [];
    const heard = await refusals(thief, () =>
      others.forEach((subject) => subscriptions.push(thief.subscribe(subject, { callback: () => undefined }))),
    );
    expect(heard).toEqual(others.map((subject) => `subscription ${subject}`).toSorted());
    const own = thief.subscribe(`_INBOX_join.${stolen.id}.*`, { callback: () => undefined });
    expect(await refusals(thief, () => undefined)).toEqual([]);
    own.unsubscribe();
  });

  it('are none without the private key, nor with another JWT than their own', async () => {
    const { seed } = createLoginKeys();
    await expect(connectWith(seed, stolen.loginJwt, 'x')).rejects.toThrow(/authorization/i);
    await expect(connectWith(stolen.loginSeed, other.loginJwt, 'x')).rejects.toThrow(/authorization/i);
    // Nor is the key that signs requests good for a login.
    expect(loginFromSeed(stolen.loginSeed).publicKey).not.toBe('');
  });
});

describe('who listens to the answers of others with the same token', () => {
  it('hears bytes that only the key that asked can open', async () => {
    const heard: Uint8Array[] = [];
    const listening = thief.subscribe(`_INBOX_join.${stolen.id}.*`, {
      callback: (_error, message) => heard.push(message.data),
    });
    const honest = await connectWith(stolen.loginSeed, stolen.loginJwt, joinInboxPrefix(stolen.id));
    const keys = makeKeys();
    const { data } = await honest.request(`${F}.svc.enroll`, await requestOf(stolen, keys, 'web1'), {
      timeout: 5_000,
      noMux: true,
    });
    await honest.close();
    await waitFor(() => heard.length > 0, { what: 'the thief to hear it' });
    listening.unsubscribe();
    const { grant, outcome } = read(heard[0]!);
    expect(outcome).toBe('joined');
    expect(() => openGrant(createBoxKeys().secret, grant!)).toThrow('not sealed for this key');
    const mine = openGrant(keys.box.secret, read(data).grant!);
    expect(parseCredential(mine.credential).body).toMatchObject({ name: 'web1', login: keys.login.publicKey });
    expect(boxKeyOf(keys.box.secret)).toEqual(keys.box.publicKey);
    // With what it got it logs in as that node, and as nobody else.
    const node = await connectWith(keys.login.seed, mine.loginJwt, '_INBOX_web1');
    const tried = [`${F}.inv.web1`, `${F}.inv.db1`, `${F}.cmd.all`, `${F}.svc.enroll`];
    const denied = await refusals(node, () => tried.forEach((subject) => node.publish(subject)));
    expect(denied).toEqual(
      tried
        .slice(1)
        .map((subject) => `publish ${subject}`)
        .toSorted(),
    );
    await node.close();
  });

  it('gets nothing for sending the question again, and aims the answer nowhere but at its own inbox', async () => {
    const data = await requestOf(stolen, makeKeys(), 'web2');
    expect((await ask(data)).outcome).toBe('joined');
    expect(await ask(data)).toMatchObject({ outcome: 'refused', code: 'replayed' });
    const alice = await connectAs(home.operator('alice'));
    let heard = 0;
    alice.subscribe('_INBOX_alice.>', { callback: () => heard++ });
    await alice.flush();
    thief.publish(`${F}.svc.enroll`, await requestOf(stolen, makeKeys(), 'web3'), { reply: '_INBOX_alice.x' });
    await waitFor(() => log.events.some(({ fields }) => fields['name'] === 'web3'), { what: 'the service to answer' });
    await alice.flush();
    // An answer goes back through the account that asked: to nobody who listens in another.
    expect(heard).toBe(0);
    await alice.close();
  });
});

async function connectAs(path: string): Promise<NatsConnection> {
  const { loginSeed, loginJwt, name } = readIdentity(path);
  return connectWith(loginSeed, loginJwt, `_INBOX_${name}`);
}

describe('the service, to a thief', () => {
  it('gives no name that is taken, and no use that is not there', async () => {
    expect(await ask(await requestOf(stolen, makeKeys(), 'db1'))).toMatchObject({ code: 'name-taken' });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => ask(await requestOf(stolen, makeKeys(), `many${index}`))),
    );
    // Web1, web2 and web3 have used three of five.
    expect(outcomes.filter(({ outcome }) => outcome === 'joined')).toHaveLength(2);
    expect(outcomes.filter(({ code }) => code === 'token-used-up')).toHaveLength(6);
  });

  it('is silent to what no key signed, and goes on', async () => {
    for (const junk of [new Uint8Array(), Uint8Array.of(0xc1), new Uint8Array(200_000).fill(0x91)]) {
      const asked = thief.request(`${F}.svc.enroll`, junk, { timeout: 200, noMux: true });
      await expect(asked).rejects.toThrow();
    }
    expect(await ask(await requestOf(other, makeKeys(), 'web9'))).toMatchObject({ outcome: 'joined' });
  });

  it('ends with the token: the service refuses it from then on', async () => {
    await fleet.enroll({ type: 'revoke-token', token: other.id }, 'token');
    expect(await ask(await requestOf(other, makeKeys(), 'web10'))).toMatchObject({ code: 'token-revoked' });
  });
});
