import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertBusAddress, assertListenAddress } from '../../../controller/setup/bus-address.ts';
import { createFleet, type CreateFleetOptions } from '../../../controller/setup/create-fleet.ts';
import { FleetHome } from '../../../controller/setup/fleet-home.ts';
import { issueNode } from '../../../controller/setup/issue-node.ts';
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
    // A folder is no certificate: copying it fails after the root was made.
    await expect(createFleet(home, { ...OPTIONS, caFile: folder })).rejects.toMatchObject({ code: 'folder-unusable' });
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

  it('gives the certificate of the bus to its operator and to its nodes', async () => {
    const folder = temporaryFolder();
    const home = new FleetHome(join(folder, 'fleet'));
    mkdirSync(home.folder);
    const caFile = join(folder, 'authority.pem');
    writeFileSync(caFile, 'a certificate');
    await createFleet(home, { ...OPTIONS, caFile });
    await home.write({ ...(await home.read()), jsDomain: 'hub' });
    const node = await issueNode(home, { name: 'db1', now: NOW, trusted: {} });
    expect(json(home.context)).toMatchObject({ tls: { caFile: 'ca.pem' } });
    expect(json(join(node.folder, 'agent.yaml'))).toMatchObject({ tls: { caFile: 'ca.pem' }, jsDomain: 'hub' });
    for (const at of [home.folder, node.folder]) expect(readFileSync(join(at, 'ca.pem'), 'utf8')).toBe('a certificate');
  });
});

describe('addresses', () => {
  it.each(['nats://bus', 'nats://bus.example.org:1', 'tls://10.0.0.5:65535', 'nats://[::1]:4222'])(
    'take %s',
    (address) => expect(() => assertBusAddress(address)).not.toThrow(),
  );
  it.each([
    'nats://', 'nats://:4222', 'nats://a:', 'nats://a:0', 'nats://a:-1', 'nats://a:65536', 'nats://a:4222/x', 'nats://10.0.0:1',
    'nats://10.0.0.256:1', 'nats://-a:1', 'nats://a b:1', 'nats://[x]:1', 'nats://::1:4222', 'nats://a,nats://b', 'http://a:1',
  ])('refuse %s', (address) => expect(() => assertBusAddress(address)).toThrow('is not the address of a bus')); // prettier-ignore
  it.each(['0.0.0.0', '0.0.0.0:-1', '0.0.0.0:0', '0.0.0.0:99999', ':4222', '0.0.0:4222'])(
    'refuse to listen on %s',
    (address) => expect(() => assertListenAddress(address)).toThrow('is nothing to listen on'),
  );
});
