import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { describe, expect, it } from 'vitest';
import { assertListenAddress, parseBusAddress } from '../../../controller/setup/bus-address.ts';
import { issueLogin } from '../../../controller/setup/bus-accounts.ts';
import { readBusKeys, readBusSigning } from '../../../controller/setup/bus-keys.ts';
import { createFleet, type CreateFleetOptions } from '../../../controller/setup/create-fleet.ts';
import { FleetHome } from '../../../controller/setup/fleet-home.ts';
import { issueNode } from '../../../controller/setup/issue-node.ts';
import { readIdentity } from '../../../shared/identity.ts';
import { createLoginKeys } from '../../../shared/keys.ts';
import { NOW } from '../../support/manual-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const OPTIONS: CreateFleetOptions = {
  fleet: 'main',
  servers: ['tls://bus.example.org:4222'],
  listen: '127.0.0.1:4222',
  operator: 'alice',
  now: NOW,
};
const MADE = [
  'alice.json',
  'bus-signing.json',
  'bus.json',
  'context.yaml',
  'fleet.yaml',
  'issuer.json',
  'nats-server.conf',
  'policy.signed',
  'policy.yaml',
  'root.json',
  'tls',
];

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('createFleet', () => {
  it('makes all of it, beside what is there', async () => {
    const home = new FleetHome(temporaryFolder());
    writeFileSync(join(home.folder, 'notes'), '');
    await createFleet(home, OPTIONS);
    expect(readdirSync(home.folder).toSorted()).toEqual([...MADE, 'notes'].toSorted());
    expect(readFileSync(home.natsConfig, 'utf8')).toContain(home.natsPid);
  });

  it.each([
    ['context.yaml', 'context-exists'],
    ['fleet.yaml', 'fleet-exists'],
    ['root.json', 'file-in-the-way'],
    ['issuer.json', 'file-in-the-way'],
    ['alice.json', 'file-in-the-way'],
    ['bus.json', 'file-in-the-way'],
    ['tls', 'file-in-the-way'],
    ['bus-signing.json', 'file-in-the-way'],
    ['nats-server.conf', 'file-in-the-way'],
    ['policy.yaml', 'file-in-the-way'],
  ])('writes nothing where there is a %s, and can be repeated', async (name, code) => {
    const home = new FleetHome(temporaryFolder());
    writeFileSync(join(home.folder, name), 'mine');
    for (const _ of [1, 2]) await expect(createFleet(home, OPTIONS)).rejects.toMatchObject({ code });
    expect(readdirSync(home.folder)).toEqual([name]);
    expect(readFileSync(join(home.folder, name), 'utf8')).toBe('mine');
  });

  it('leaves nothing when it fails on the way', async () => {
    const folder = temporaryFolder();
    const home = new FleetHome(join(folder, 'fleet'));
    // A folder is no certificate: reading it fails after the root was made.
    const certificates = { certificateFile: folder, keyFile: folder };
    await expect(createFleet(home, { ...OPTIONS, certificates })).rejects.toMatchObject({ code: 'bad-certificate' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says so where a part of the path is a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    for (const path of ['file', 'file/below'])
      await expect(createFleet(new FleetHome(join(folder, path)), OPTIONS)).rejects.toMatchObject({
        code: 'folder-unusable',
        hint: 'A part of this path is a file: use another folder (--dir).',
      });
  });

  it('makes one fleet when two are made at once', async () => {
    const home = new FleetHome(temporaryFolder());
    const both = await Promise.allSettled([createFleet(home, OPTIONS), createFleet(home, OPTIONS)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it.each(['issuer', 'root', 'bus'])('refuses an operator named %s', async (operator) => {
    const home = new FleetHome(temporaryFolder());
    await expect(createFleet(home, { ...OPTIONS, operator })).rejects.toMatchObject({ code: 'bad-operator-name' });
  });

  it('gives the certificate of the authority to its operator and to its nodes', async () => {
    const home = new FleetHome(temporaryFolder());
    await createFleet(home, OPTIONS);
    await home.write({ ...(await home.read()), jsDomain: 'hub' });
    const node = await issueNode(home, { name: 'db1', now: NOW, trusted: {} });
    expect(json(home.context)).toMatchObject({ tls: { caFile: 'tls/ca.pem' } });
    const settings = readFileSync(join(node.folder, 'agent.yaml'), 'utf8');
    // A line below is one more setting: that is how people give a node its role.
    expect(parseYaml(`${settings}facts: {role: db}\n`)).toMatchObject({
      tls: { caFile: 'ca.pem' },
      jsDomain: 'hub',
      facts: { role: 'db' },
    });
    expect(readFileSync(join(node.folder, 'ca.pem'), 'utf8')).toBe(readFileSync(home.caFile, 'utf8'));
    expect(readdirSync(home.tls).toSorted()).toEqual(['ca.key', 'ca.pem', 'server.key', 'server.pem']);
    for (const path of [home.caKey, home.serverKey]) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(home.natsConfig, 'utf8')).toContain(`cert_file: "${home.serverCertificate}"`);
  });

  it('makes a bus without TLS only where it was told to', async () => {
    const home = new FleetHome(temporaryFolder());
    await createFleet(home, { ...OPTIONS, servers: ['nats://10.0.0.5:4222'], certificates: 'none' });
    expect(json(home.context)).not.toHaveProperty('tls');
    expect(readFileSync(home.natsConfig, 'utf8')).not.toContain('tls');
    expect(existsSync(home.tls)).toBe(false);
  });

  it('writes the configuration for a bus on a machine of its own', async () => {
    const home = new FleetHome(temporaryFolder());
    await createFleet(home, { ...OPTIONS, busFolder: '/var/lib/fleet-bus' });
    const config = readFileSync(home.natsConfig, 'utf8');
    for (const path of ['jetstream', 'accounts', 'nats-server.pid', 'tls/server.pem', 'tls/server.key'])
      expect(config).toContain(`"/var/lib/fleet-bus/${path}"`);
    expect(config).not.toContain(home.folder);
  });

  it('remembers how many copies the bus keeps', async () => {
    const [one, three] = [new FleetHome(temporaryFolder()), new FleetHome(temporaryFolder())];
    await createFleet(one, OPTIONS);
    await createFleet(three, { ...OPTIONS, replicas: 3 });
    expect([(await one.read()).replicas, (await three.read()).replicas]).toEqual([undefined, 3]);
  });

  it('keeps apart what makes any login, and what makes those of nodes', async () => {
    const home = new FleetHome(temporaryFolder());
    await createFleet(home, OPTIONS);
    const [all, some] = [readBusKeys(home.busKeys), readBusSigning(home.busSigning)];
    expect(Object.keys(all.accounts)).toEqual(['SYS', 'STORE', 'CONTROL', 'NODES', 'JOIN']);
    expect(Object.keys(some.accounts)).toEqual(['NODES', 'JOIN']);
    const { publicKey: login } = createLoginKeys();
    for (const role of ['operator', 'admin', 'issuer', 'system'] as const)
      await expect(issueLogin(some, { role, name: 'eve', login, notAfter: NOW })).rejects.toMatchObject({
        code: 'no-bus-keys',
      });
    expect(readIdentity(home.operator('alice')).credential.body).toMatchObject({ roles: ['admin', 'operator'] });
  });
});

describe('addresses', () => {
  it.each([
    ['bus', 'tls://bus:4222'],
    ['bus.example.org:1', 'tls://bus.example.org:1'],
    ['tls://10.0.0.5:65535', 'tls://10.0.0.5:65535'],
    ['[::1]', 'tls://[::1]:4222'],
    ['tls://[::1]:4222', 'tls://[::1]:4222'],
  ])('take %s as %s', (address, url) => expect(parseBusAddress(address, { hasTls: true })).toBe(url));
  it('are without TLS only where that was said', () => {
    expect(() => parseBusAddress('nats://bus', { hasTls: true })).toThrow('without TLS');
    expect(() => parseBusAddress('tls://bus', { hasTls: false })).toThrow('--no-tls');
    for (const address of ['bus', 'nats://bus'])
      expect(parseBusAddress(address, { hasTls: false })).toBe('nats://bus:4222');
  });
  it.each([
    '', 'tls://', ':4222', 'tls://a:', 'a:0', 'a:-1', 'a:65536', 'a:4222/x', '10.0.0:1',
    '10.0.0.256:1', '-a:1', 'a b:1', '[x]:1', '::1:4222', 'tls://a,tls://b', 'http://a:1',
  ])('refuse %s', (address) => expect(() => parseBusAddress(address, { hasTls: true })).toThrow('is not the address of a bus')); // prettier-ignore
  it.each(['0.0.0.0', '0.0.0.0:-1', '0.0.0.0:0', '0.0.0.0:99999', ':4222', '0.0.0:4222'])(
    'refuse to listen on %s',
    (address) => expect(() => assertListenAddress(address)).toThrow('is nothing to listen on'),
  );
});
