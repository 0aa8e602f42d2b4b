/** `--online`, and who is away: on real agents that ended without a word, stopped, or came back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryEntry } from '../../controller/report.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';

/** Long enough for machines that are busy: who is there ends the wait. */
const PATIENT = ['--ack-timeout', '6s'];

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({
    db1: { facts: { role: 'db' } },
    db2: { facts: { role: 'db' } },
    db3: { facts: { role: 'db' } },
    web1: { facts: { role: 'web' } },
  });
});
afterAll(() => fleet?.stop());

const presences = async (): Promise<string[]> => {
  const { nodes } = await fleet.report('inventory', ...PATIENT);
  return nodes.map(({ data, node }) => `${node} ${(data as InventoryEntry).presence}`);
};

describe('--online', () => {
  it('leaves nobody out where all are there, and says so in documents', async () => {
    const report = await fleet.report('find', '--online', ...PATIENT);
    expect(report).toMatchObject({ expected: 4, exit: 0, away: [], target: { online: true } });
    expect((await fleet.run('find', '--online', ...PATIENT)).stderr).not.toContain('away');
  });

  it('leaves out who is away, and names them', async () => {
    await fleet.endAgent('db2', 'SIGKILL');
    process.kill(fleet.node('db3').pid, 'SIGSTOP');
    const found = await fleet.run('find', '--online', '-o', 'names', ...PATIENT);
    expect(found).toMatchObject({ exit: 0, stdout: 'db1\nweb1\n' });
    expect(found.stderr).toContain('2 away nodes left out: db[2-3]\n');
    expect(await fleet.report('exec', '--all', '--online', ...PATIENT, '--', 'true')).toMatchObject({
      expected: 2,
      exit: 0,
      states: { ok: 2 },
      away: ['db2', 'db3'],
    });
  });

  it('draws a limit among those that are there', async () => {
    for (const seed of ['a', 'b', 'c'])
      expect(
        await fleet.report('ping', '-w', 'role=db', '--limit', '1', '--seed', seed, '--online', ...PATIENT),
      ).toMatchObject({ states: { ok: 1 }, nodes: [{ node: 'db1' }], away: ['db2', 'db3'] });
  });

  it('matches nobody where all that are meant are away', async () => {
    const none = await fleet.run('ping', '-n', 'db2', '--online', ...PATIENT, '-o', 'json');
    expect(none).toMatchObject({ exit: 6, stderr: expect.stringContaining('1 away node left out: db2') as string });
    expect(JSON.parse(none.stdout)).toMatchObject({ expected: 0, away: ['db2'], nodes: [] });
  });

  it('is said, or who is away stays expected', async () => {
    expect(await fleet.report('ping', ...PATIENT)).toMatchObject({ expected: 4, states: { ok: 2, unreachable: 2 } });
  });
});

describe('the inventory', () => {
  it('says who is there and who is away, until they are back', async () => {
    expect(await presences()).toEqual(['db1 joined', 'db2 away', 'db3 away', 'web1 joined']);
    expect((await fleet.run('inventory', ...PATIENT)).stdout).toMatch(/^db2 +away/m);
    process.kill(fleet.node('db3').pid, 'SIGCONT');
    await fleet.restartAgent('db2');
    expect(await presences()).toEqual(['db1 joined', 'db2 joined', 'db3 joined', 'web1 joined']);
    const online = await fleet.report('inventory', '--online', ...PATIENT);
    expect(online).toMatchObject({ expected: 4, away: [] });
  });
});
