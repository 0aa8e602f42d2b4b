import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findContext, type Surroundings } from '../../../controller/context.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fleet-context-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const SERVERS = 'nats://10.20.0.5:4222';
const find = (surroundings: Surroundings = {}, isEmbeddedUp = false) =>
  findContext(
    { configHome: join(home, 'config'), stateHome: join(home, 'state'), ...surroundings },
    () => isEmbeddedUp,
  );

function writeContext(content: unknown, ...folder: string[]): string {
  const path = join(home, ...folder, 'context.yaml');
  mkdirSync(join(home, ...folder), { recursive: true });
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return path;
}
const writeOwn = (more: object = {}): string =>
  writeContext({ servers: ['nats://own:4222'], identity: 'alice.json', ...more }, 'config', 'fleet');
const writeEmbedded = (): string =>
  writeContext({ servers: ['nats://127.0.0.1:1'], identity: 'operator.json' }, 'state', 'fleet', 'dev');

describe('which fleet is meant', () => {
  it('is said whole by servers and identity: no file is needed', async () => {
    expect(await find({ servers: SERVERS, identity: '/alice.json' })).toMatchObject({
      file: undefined,
      servers: [SERVERS],
      identity: '/alice.json',
      groups: {},
    });
  });

  it.each(['nats://', 'http://bus:4222', 'nats://a:4222,', 'nats://user:pw@a:4222'])(
    'is not said by what is no address of a bus: %s',
    async (servers) => {
      await expect(find({ servers, identity: '/alice.json' })).rejects.toMatchObject({ code: 'bad-server' });
      writeOwn({ servers: [servers] });
      await expect(find()).rejects.toMatchObject({ code: 'settings-invalid' });
    },
  );

  it('is reached with TLS by an address that says nothing else, and trusted by the certificate that is named', async () => {
    const surroundings = { servers: '10.0.0.5, bus:1', identity: '/alice.json', caFile: '/ca.pem' };
    expect(await find(surroundings)).toMatchObject({
      servers: ['tls://10.0.0.5:4222', 'tls://bus:1'],
      tls: { caFile: '/ca.pem' },
    });
    writeOwn({ tls: { caFile: 'tls/ca.pem' } });
    expect(await find()).toMatchObject({ tls: { caFile: join(home, 'config', 'fleet', 'tls', 'ca.pem') } });
    expect(await find({ caFile: '/ca.pem' })).toMatchObject({ tls: { caFile: '/ca.pem' } });
  });

  it('is not said by one of them', async () => {
    await expect(find({ servers: SERVERS })).rejects.toMatchObject({ code: 'no-context' });
    await expect(find({ identity: '/alice.json' })).rejects.toMatchObject({ code: 'no-context' });
  });

  it('is the one that was said, also where an embedded one is up; groups come from the own file', async () => {
    writeEmbedded();
    const file = writeOwn({ groups: { dbs: { where: ['role=db'] } } });
    expect(await find({ servers: SERVERS, identity: '/alice.json' }, true)).toMatchObject({
      file,
      hidden: undefined,
      servers: [SERVERS],
      groups: { dbs: { where: ['role=db'] } },
    });
  });

  it('is the embedded one where it is up, which hides the own', async () => {
    const [own, file] = [writeOwn(), writeEmbedded()];
    expect(await find({}, true)).toMatchObject({ file, hidden: own });
    expect(await find()).toMatchObject({ file: own, hidden: undefined });
  });
});

describe('a group', () => {
  it.each([{}, { where: [] }, { node: [] }, { exclude: [], where: ['role=db'] }])(
    'that says nobody is an error, and never everybody: %o',
    async (group) => {
      writeOwn({ groups: { dbs: group } });
      await expect(find()).rejects.toMatchObject({ code: 'settings-invalid' });
    },
  );
});
