/** `fleet ca` on a real bus: runs side by side, runs that were interrupted, new keys for nodes and operators. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import { createFleet } from '../../controller/setup/create-fleet.ts';
import { enrollNodes, type EnrollOptions } from '../../controller/setup/enroll-node.ts';
import { FleetHome } from '../../controller/setup/fleet-home.ts';
import { issueNode } from '../../controller/setup/issue-node.ts';
import { issueOperator } from '../../controller/setup/issue-operator.ts';
import { pushAccounts } from '../../controller/setup/push-accounts.ts';
import { reloadBus } from '../../controller/setup/reload-bus.ts';
import { renewBus } from '../../controller/setup/renew-bus.ts';
import { Fleet } from '../../controller/fleet.ts';
import { findNatsServer } from '../../controller/dev/find-nats-server.ts';
import { readIdentity } from '../../shared/identity.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { probeServer } from '../../shared/doctor/probe-server.ts';
import { startChild, type Child } from '../support/child-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

let home: FleetHome;
let bus: Child;
let server = '';

beforeEach(async () => {
  home = new FleetHome(temporaryFolder());
  const port = await findFreePort();
  server = `tls://127.0.0.1:${port}`;
  const now = Date.now();
  await createFleet(home, { fleet: 'main', servers: [server], listen: `127.0.0.1:${port}`, operator: 'alice', now });
  bus = await startBus('-c', home.natsConfig);
});
afterEach(async () => {
  await bus.stop();
});

async function startBus(...args: string[]): Promise<Child> {
  const { PATH: path, FLEET_NATS_SERVER: explicit } = process.env;
  const child = await startChild((await findNatsServer({ explicit, path })).path, args, { cwd: home.folder });
  await waitFor(() => child.output().includes('Server is ready'), { what: 'the bus to be ready' });
  return child;
}

const enroll = (changes: Partial<EnrollOptions> = {}) =>
  enrollNodes(home, { names: ['db1'], renew: false, now: Date.now(), ...changes });

const nodesIn = async (): Promise<string[]> =>
  (await home.read()).issued
    .filter(({ kind }) => kind === 'node')
    .map(({ name }) => name)
    .toSorted();

async function roster(identity = home.operator('alice')) {
  const fleet = await Fleet.connect({ servers: [server], identity, tls: { caFile: home.caFile } });
  try {
    return (await fleet.roster()).roster;
  } finally {
    await fleet.close();
  }
}

const canLogIn = async (path: string): Promise<boolean> => {
  const { name, loginJwt, loginSeed } = readIdentity(path);
  const connected = await connectBus({
    servers: [server],
    name,
    loginSeed,
    loginJwt,
    patient: false,
    tls: { caFile: home.caFile },
  }).catch(() => undefined);
  await connected?.close();
  return connected !== undefined;
};
const push = (): Promise<void> => pushAccounts(home, { now: Date.now() });

it('loses no node when several are issued at once', async () => {
  const names = ['db1', 'db2', 'db3', 'db4'];
  await Promise.all(names.map((name) => enroll({ names: [name] })));
  expect(await nodesIn()).toEqual(names);
  expect([...(await roster()).keys()].toSorted()).toEqual(names);
});

it('finishes with a second run what an interrupted one has begun', async () => {
  await enroll({ names: ['db2'] });
  // As far as one comes that is killed before it publishes.
  const begun = await issueNode(home, { name: 'db1', now: Date.now(), trusted: { role: 'db' } });
  const identity = readFileSync(join(begun.folder, 'identity.json'), 'utf8');
  expect((await roster()).has('db1')).toBe(false);
  await enroll();
  expect((await roster()).get('db1')).toMatchObject({ state: 'joined', trusted: { role: 'db' } });
  expect(readFileSync(join(begun.folder, 'identity.json'), 'utf8')).toBe(identity);
  await expect(enroll()).rejects.toMatchObject({ code: 'name-taken' });
});

it('starts over with an interrupted one whose folder is gone', async () => {
  const begun = await issueNode(home, { name: 'db1', now: Date.now(), trusted: {} });
  rmSync(begun.folder, { recursive: true });
  const [issued] = await enroll();
  expect((await roster()).has('db1')).toBe(true);
  expect(await canLogIn(join(issued!.folder, 'identity.json'))).toBe(true);
});

it('makes none of several when one is taken', async () => {
  await enroll();
  await expect(enroll({ names: ['db2', 'db1'] })).rejects.toMatchObject({ code: 'name-taken' });
  expect(await nodesIn()).toEqual(['db1']);
  expect(existsSync(home.node('db2'))).toBe(false);
});

it('gives a node new keys and keeps its folder, its trusted facts, and the order of entries', async () => {
  const [issued] = await enroll({ trusted: { role: 'db' }, now: Date.now() + 60_000 });
  const path = join(issued!.folder, 'identity.json');
  const old = join(home.folder, 'old.json');
  writeFileSync(old, readFileSync(path), { mode: 0o600 });
  writeFileSync(join(issued!.folder, 'state', 'journal'), 'kept');
  // An earlier time than the entry's: the new one has to win all the same.
  await enroll({ renew: true });
  await push();
  expect(await canLogIn(old)).toBe(false);
  expect(await canLogIn(path)).toBe(true);
  expect(readFileSync(join(issued!.folder, 'state', 'journal'), 'utf8')).toBe('kept');
  const node = (await roster()).get('db1');
  expect(node?.trusted).toEqual({ role: 'db' });
  expect(node?.credential?.credential.hash).toEqual(readIdentity(path).credential.hash);
  await expect(enroll({ names: ['db9'], renew: true })).rejects.toMatchObject({ code: 'no-such-node' });
});

it('makes an operator with roles and an end, and renews it with the same roles', async () => {
  await enroll();
  const options = { name: 'bob', now: Date.now(), renew: false };
  await expect(issueOperator(home, options)).rejects.toMatchObject({ code: 'needs-role' });
  const made = await issueOperator(home, { ...options, roles: ['reader'], lifeMs: 60_000 });
  expect((await roster(made.path)).size).toBe(1);
  expect(readIdentity(made.path).credential.body).toMatchObject({ kind: 'operator', name: 'bob', roles: ['reader'] });
  expect(made.notAfter).toBe(options.now + 60_000);

  await expect(issueOperator(home, { ...options, roles: ['x'] })).rejects.toMatchObject({ code: 'name-taken' });
  const old = join(home.folder, 'old.json');
  writeFileSync(old, readFileSync(made.path), { mode: 0o600 });
  const renewed = await issueOperator(home, { ...options, renew: true });
  await push();
  expect(renewed.roles).toEqual(['reader']);
  expect([await canLogIn(old), await canLogIn(renewed.path)]).toEqual([false, true]);
});

it('refuses an operator that would share an inbox, overwrite a key, or has another root', async () => {
  const options = { now: Date.now(), renew: false, roles: ['reader'] };
  for (const name of ['issuer', 'root', 'bus', 'bus-signing'])
    await expect(issueOperator(home, { ...options, name })).rejects.toMatchObject({ code: 'bad-operator-name' });
  const other = new FleetHome(temporaryFolder());
  const listen = '127.0.0.1:4222';
  await createFleet(other, { fleet: 'main', servers: [server], listen, operator: 'bob', now: options.now });
  const rootFile = other.rootKey;
  await expect(issueOperator(home, { ...options, name: 'bob', rootFile })).rejects.toMatchObject({
    code: 'wrong-root',
  });
  writeFileSync(home.operator('bob'), readFileSync(other.operator('bob')), { mode: 0o600 });
  await expect(issueOperator(home, { ...options, name: 'bob' })).rejects.toMatchObject({ code: 'file-in-the-way' });
  rmSync(home.rootKey);
  await expect(issueOperator(home, { ...options, name: 'carol' })).rejects.toMatchObject({ code: 'no-root' });
});

it('gives the bus a new certificate, under connections that stay', async () => {
  const until = async (): Promise<number | undefined> => {
    const probe = await probeServer(server, readFileSync(home.caFile, 'utf8'));
    expect(probe).toMatchObject({ kind: 'nats', certificate: { problem: undefined } });
    return probe.kind === 'nats' ? probe.certificate?.validTo : undefined;
  };
  await enroll();
  // What `fleet ca push` writes has to be something that a running bus takes.
  await push();
  const { name, loginJwt, loginSeed } = readIdentity(home.operator('alice'));
  const tls = { caFile: home.caFile };
  const connected = await connectBus({ servers: [server], name, loginJwt, loginSeed, patient: false, tls });
  const events: string[] = [];
  connected.onEvent(({ type }) => events.push(type));
  try {
    const before = await until();
    const day = Date.now() + 24 * 60 * 60_000;
    const { notAfter, wasReloaded } = await renewBus(home, { now: day });
    expect(wasReloaded).toBe(true);
    await waitFor(async () => (await until()) !== before, { what: 'the bus to have its new certificate' });
    expect(await until()).toBe(Math.floor(notAfter / 1000) * 1000);
    await connected.flush();
    expect(events).toEqual([]);
    expect((await roster()).has('db1')).toBe(true);
  } finally {
    await connected.close();
  }
});

it('signals no process but the bus of this fleet', async () => {
  const other = await startChild('sh', ['-c', `read -r _ # nats-server -c ${home.natsConfig}`], { holdsStdin: true });
  writeFileSync(home.natsPid, String(other.pid));
  expect(reloadBus(home)).toBe(false);
  expect(other.isRunning()).toBe(true);
  await other.stop();
  // A nats-server, but with settings of its own.
  await bus.stop();
  const port = await findFreePort();
  bus = await startBus('-a', '127.0.0.1', '-p', String(port), '-P', home.natsPid);
  expect(reloadBus(home)).toBe(false);
});

it('reloads a bus whose own file includes the one made here', async () => {
  await bus.stop();
  const config = join(home.folder, 'mine.conf');
  writeFileSync(config, `include "nats-server.conf"\nmax_connections: 100\n`);
  bus = await startBus('--config', 'mine.conf');
  const before = bus.output().length;
  expect(reloadBus(home)).toBe(true);
  await waitFor(() => bus.output().slice(before).includes('Reloaded server configuration'), { what: 'the reload' });
});

it('stores the first policy, and keeps the newest for a bus that has lost its own', async () => {
  const connect = (): Promise<Fleet> =>
    Fleet.connect({ servers: [server], identity: home.operator('alice'), tls: { caFile: home.caFile } });
  const signed = (): Buffer => readFileSync(home.signedPolicy);
  const first = signed();
  await enroll();
  let fleet = await connect();
  const before = await fleet.policy();
  expect(before.signed?.document.source).toBe(readFileSync(home.policy, 'utf8'));
  expect(before.signed?.signer.body).toMatchObject({ name: 'alice', roles: ['admin', 'operator'] });
  expect(signed().equals(first)).toBe(true);

  const policy = { version: 1 as const, roles: { admin: { allow: [{ actions: ['ping'] }] } } };
  const { signed: pushed } = await fleet.storePolicy({ policy, source: JSON.stringify(policy) }, before);
  await fleet.close();
  await enroll({ names: ['db2'] });
  expect(signed().equals(first)).toBe(false);

  await bus.stop();
  rmSync(join(home.folder, 'jetstream'), { recursive: true });
  bus = await startBus('-c', home.natsConfig);
  await enroll({ names: ['db3'] });
  fleet = await connect();
  expect((await fleet.policy()).signed?.document.revision).toBe(pushed?.document.revision);
  await fleet.close();
});
