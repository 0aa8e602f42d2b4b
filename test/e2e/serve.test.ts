/** `fleet serve` on real agents and a real bus: what it notices, how it says how it is, and how it ends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryEntry } from '../../controller/report.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { startService, withServices, writeConfig } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, db2: { facts: { role: 'db' } }, web1: {} });
});
afterAll(() => fleet?.stop());

describe('the service', () => {
  it('notices nodes that go without a word and come back, by the word of the bus', () =>
    withServices(fleet, ['controller1'], async (service) => {
      await service.expectNodes(3, 0);
      await fleet.endAgent('db1', 'SIGKILL');
      await service.expectNodes(2, 1);
      await fleet.restartAgent('db1');
      await service.expectNodes(3, 0);
      expect(await service.health()).toMatchObject({ ok: true, status: 200, bus: { ok: true } });
    }));

  it('leaves nothing in the audit trail of nodes by asking whether they are there', async () => {
    await withServices(fleet, ['controller1'], (service) => service.expectNodes(3, 0));
    // What is asked behind it is there: so what was asked before would be, too.
    const { job } = await fleet.report('exec', '--all', '--', 'true');
    const found = async (...about: readonly string[]): Promise<unknown[]> =>
      (await fleet.cli.json<{ records: unknown[] }>('audit', 'search', '--since', '1h', ...about)).records;
    await waitFor(async () => (await found('--job', job ?? '')).length >= 6, { what: 'what the nodes wrote down' });
    expect(await found('--caller', 'controller1')).toEqual([]);
  });

  it('finds out who is away when it starts, and who came back while it was not there', async () => {
    await fleet.endAgent('db2', 'SIGKILL');
    const found = async (there: number, away: number): Promise<boolean> =>
      withServices(fleet, ['controller1'], async (service) => {
        await service.expectNodes(there, away);
        return (await service.health()).ok;
      });
    expect(await found(2, 1)).toBe(true);
    await fleet.restartAgent('db2');
    expect(await found(3, 0)).toBe(true);
  });

  it('says that it is not ready while the bus is away, lives on, and is ready again with it', () =>
    withServices(fleet, ['controller1'], async (service) => {
      await service.expectNodes(3, 0);
      await fleet.endBus();
      await waitFor(async () => (await service.health()).status === 503, { what: 'not to be ready' });
      expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
      expect(await service.health()).toMatchObject({ ok: false, bus: { ok: false } });
      await fleet.startBus();
      await service.ready();
      await service.expectNodes(3, 0);
      expect((await service.metrics()).get('fleet_bus_disconnects_total')).toBe(1);
    }));

  it('has since when a node is away told where that is told: in the inventory, and of nodes that are silent', () =>
    withServices(fleet, ['controller1'], async (service) => {
      await service.expectNodes(3, 0);
      const before = Date.now();
      await fleet.endAgent('db1', 'SIGKILL');
      await service.expectNodes(2, 1);
      const options = ['--context', `${fleet.folder}/context.yaml`, '--ack-timeout', '6s'];
      const { nodes } = await fleet.report('inventory', ...options);
      const [entry] = nodes.filter(({ node }) => node === 'db1').map(({ data }) => data as InventoryEntry);
      expect(entry).toMatchObject({ presence: 'away' });
      expect(Date.parse(entry?.since ?? '')).toBeGreaterThanOrEqual(before - 1_000);
      expect((await fleet.run('inventory', ...options)).stdout).toMatch(/db1 +away since \d{4}-/);
      const pinged = await fleet.report('ping', '--node', 'db1', ...options);
      expect(pinged.nodes[0]?.reason).toMatch(/^no answer within 6 s, asked twice; away since \d{4}-\d\d-\d\d /);
      await fleet.restartAgent('db1');
    }));

  it('runs beside others, each with what it knows', () =>
    withServices(fleet, ['controller1', 'controller2'], async (first, second) => {
      await fleet.endAgent('web1', 'SIGKILL');
      await Promise.all([first.expectNodes(2, 1), second.expectNodes(2, 1)]);
      expect(await first.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      await fleet.restartAgent('web1');
      await second.expectNodes(3, 0);
    }));

  it('ends when it is told to, cleanly', async () => {
    const service = await startService(fleet);
    await service.ready();
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(service.child.stdout()).toContain('"msg":"stopping"');
  });

  it('ends when it is told to while it waits for the bus, and answers for its health meanwhile', async () => {
    await fleet.endBus();
    const child = await fleet.cli.start(['serve', '--config', writeConfig(fleet, 'controller1')]);
    await waitFor(() => child.stdout().includes('waiting for the bus'), { what: 'it to wait for the bus' });
    child.kill('SIGTERM');
    expect(await child.ended).toEqual({ code: 0, signal: null });
    await fleet.startBus();
  });

  it('says nothing of nodes by name where health is asked for', () =>
    withServices(fleet, ['controller1'], async (service) => {
      await service.expectNodes(3, 0);
      const texts = await Promise.all(
        ['healthz', 'readyz', 'metrics', 'other'].map(async (path) => (await fetch(`${service.url}/${path}`)).text()),
      );
      for (const text of texts) expect(text).not.toMatch(/db1|db2|web1/);
      expect((await fetch(`${service.url}/readyz`, { method: 'POST' })).status).toBe(405);
    }));

  it.each([
    [
      'an identity that is no service',
      ['--config', 'controller1.yaml', '--identity', 'operator.json'],
      'not of a service',
    ],
    ['an address that is none', ['--config', 'controller1.yaml', '--listen', 'here'], 'not an address to listen on'],
    ['a file that is not there', ['--config', 'nowhere.yaml'], 'nowhere.yaml'],
  ])('refuses %s, in words', async (_what, options, words) => {
    const refused = await fleet.cli.runWith({ cwd: fleet.folder }, 'serve', ...options);
    expect(refused).toMatchObject({ exit: 2, stderr: expect.stringContaining(words) as string });
  });
});
