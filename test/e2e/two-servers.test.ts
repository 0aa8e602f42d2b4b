/**
 * A fleet as its owner makes one, on servers of their own: namespaces, in which agents see every process there is. One of
 * them is everything at once (bus, operator, two nodes), the other a node. Then everything called `node` is killed.
 */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import { findFreePort } from '../../controller/dev/start-nats.ts';
import type { NodeResult, Report } from '../../controller/report.ts';
import type { Child } from '../support/child-process.ts';
import { AGENT_PROGRAM, FleetCli, type CliResult } from '../support/fleet-cli.ts';
import { noPidNamespace } from '../support/pid-namespace.ts';
import { ServerNamespace } from '../support/server-namespace.ts';
import { waitFor } from '../support/wait-for.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
const NODE_PROCESS = [process.execPath, '-e', 'console.log(1); setInterval(() => {}, 2 ** 30)'];
const DEAF_NODE = [
  process.execPath,
  '-e',
  'process.on("SIGTERM", () => {}); console.log(1); setInterval(() => {}, 2 ** 30)',
];

interface Signalled {
  readonly signalled: { pid: number; name: string }[];
  readonly gone: { pid: number; name: string }[];
  readonly remaining: unknown[];
  readonly spared: { pid: number; name: string; reason: string }[];
}

const missing = noPidNamespace();
describe.skipIf(missing !== undefined)(
  `on servers of its own${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let folder: string;
    let [first, second]: ServerNamespace[] = [];
    /** Where the bus and the operator are, and the other one. */
    let [here, there]: FleetCli[] = [];
    const programs: Record<string, Child> = {};
    let address: string;
    let init: CliResult;
    let issue: CliResult;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'fleet-servers-'));
      [first, second] = await Promise.all([ServerNamespace.start(), ServerNamespace.start()]);
      here = new FleetCli(join(folder, 'here'), first.prefix);
      there = new FleetCli(join(folder, 'there'), second.prefix);
      address = `127.0.0.1:${await findFreePort()}`;

      init = await here.run('init', '--server', address, '--listen', address, '--operator', 'alice');
      const { FLEET_NATS_SERVER: explicit, PATH: path } = process.env;
      const natsServer = await findNatsServer({ explicit, path, unpacked: unpackedFolder(CHECKOUT) });
      const bus = await start('nats-server', here, [natsServer.path, '-c', join(home(), 'nats-server.conf')]);
      await waitFor(() => bus.output().includes('Server is ready'), { what: 'the bus to be ready' });
      issue = await here.run('ca', 'issue', 'node', 'web1', 'web2', 'db1', '--trusted', 'zone=inner');
      // Each folder moves to its server.
      for (const [name, server] of [
        ['web1', here],
        ['web2', here],
        ['db1', there],
      ] as const) {
        const moved = join(server.folder, `etc-${name}`);
        renameSync(join(home(), 'nodes', name), moved);
        const words = [process.execPath, AGENT_PROGRAM, '--config', join(moved, 'agent.yaml')];
        const agent = await start(`agent of ${name}`, server, words);
        await waitFor(() => agent.stdout().includes('"msg":"ready"'), { what: `the agent of ${name} to be ready` });
      }
      await start('node of web1', here, NODE_PROCESS);
      await start('deaf node of web1', here, DEAF_NODE);
      await start('node of db1', there, NODE_PROCESS);
      await start('another of db1', there, ['sleep', '1000']);
      for (const name of ['node of web1', 'deaf node of web1', 'node of db1'])
        await waitFor(() => programs[name]!.stdout() !== '', { what: `the ${name} to run` });
    });
    afterAll(async () => {
      // What runs in them ends with them.
      await Promise.all([first?.stop(), second?.stop()]);
      await Promise.all(Object.values(programs).map((child) => child.stop()));
      rmSync(folder, { recursive: true, force: true });
    });

    const start = async (name: string, cli: FleetCli, words: readonly string[]): Promise<Child> =>
      (programs[name] = await cli.startProgram(words));
    const home = (): string => join(here!.configHome, 'fleet');
    const report = (...args: string[]): Promise<Report> => here!.json<Report>(...args);
    const dataOf = ({ nodes }: Report, name: string): Signalled =>
      nodes.find(({ node }) => node === name)!.data as Signalled;
    const running = (): string[] => Object.keys(programs).filter((name) => programs[name]!.isRunning());

    it('a fleet is made, its servers are enrolled, and they answer', async () => {
      expect(init).toMatchObject({ exit: 0, stderr: '' });
      expect(init.stdout).toContain(`nats-server -c ${home()}/nats-server.conf`);
      expect(issue.exit).toBe(0);
      const lines = ['web1', 'web2', 'db1'].map((name) => `${name}  ${join(home(), 'nodes', name)}\n`);
      expect(issue.stdout).toBe(lines.join(''));
      const ping = await here!.run('ping', '-o', 'names');
      expect(ping).toMatchObject({ exit: 0, stdout: 'db1\nweb1\nweb2\n' });
      const facts = await report('facts', 'trusted.zone', 'name');
      expect(facts.facts?.['trusted.zone']).toEqual([{ value: 'inner', count: 3, nodes: ['db1', 'web1', 'web2'] }]);
    });

    it('names are taken once, and nothing is made without the bus', async () => {
      const again = await here!.run('ca', 'issue', 'node', 'web1');
      expect(again).toMatchObject({ exit: 2, stdout: '' });
      expect(again.stderr).toContain('web1');
      const anew = await here!.run('init', '--server', address);
      expect(anew).toMatchObject({ exit: 2, stdout: '' });
      const other = join(folder, 'other');
      await here!.run('init', '--server', '127.0.0.1:1', '--dir', other);
      const before = readFileSync(join(other, 'nats-server.conf'), 'utf8');
      const without = await here!.run('ca', 'issue', 'node', 'web9', '--dir', other);
      expect(without).toMatchObject({ exit: 5, stdout: '' });
      expect([existsSync(join(other, 'nodes', 'web9')), readFileSync(join(other, 'nats-server.conf'), 'utf8')]).toEqual(
        [false, before],
      );
    });

    it('what would be killed is said first, and what is spared, with the reason', async () => {
      const dry = await report('kill', 'node', '--signal', 'KILL', '--dry-run');
      expect(dry).toMatchObject({ exit: 0, dryRun: true, states: { ok: 3 } });
      for (const node of ['web1', 'web2']) {
        const { signalled, spared, gone } = dataOf(dry, node);
        expect([signalled.map(({ name }) => name), gone]).toEqual([['node', 'node'], []]);
        expect(spared.map(({ reason }) => reason).toSorted()).toEqual([
          'a fleet agent',
          'a fleet command line',
          'this agent',
        ]);
      }
      const db1 = dataOf(dry, 'db1');
      expect([db1.signalled.length, db1.spared.map(({ reason }) => reason)]).toEqual([1, ['this agent']]);
      expect(running()).toHaveLength(8);
    });

    it('every Node.js process is found and ended, and agents, bus and command line go on', async () => {
      const killed = await report('kill', 'node', '--signal', 'KILL', '--all');
      expect(killed).toMatchObject({ exit: 0, states: { ok: 3 } });
      // Two agents of one machine find the same ones: each process is signalled by one of them at least.
      const [web1, web2, db1] = ['web1', 'web2', 'db1'].map((name) => dataOf(killed, name));
      const pids = new Set([...web1!.signalled, ...web2!.signalled].map(({ pid }) => pid));
      expect([pids.size, db1!.signalled.length]).toEqual([2, 1]);
      for (const data of [web1!, web2!, db1!]) expect(data.remaining).toEqual([]);
      for (const data of [web1!, web2!])
        expect(data.spared.map(({ reason }) => reason).toSorted()).toEqual([
          'a fleet agent',
          'a fleet command line',
          'this agent',
        ]);
      await Promise.all(['node of web1', 'deaf node of web1', 'node of db1'].map((name) => programs[name]!.ended));
      expect(running()).toEqual(['nats-server', 'agent of web1', 'agent of web2', 'agent of db1', 'another of db1']);
      expect(await here!.run('ping')).toMatchObject({ exit: 0 });
    });

    it('the bus is spared by who talks through it, and everything that the fleet stands on when all of a user is meant', async () => {
      const bus = await report('kill', 'nats-server', '--all');
      expect(dataOf(bus, 'web1').spared.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
        'nats-server: the bus that this agent talks through',
      ]);
      expect(dataOf(bus, 'db1')).toEqual({ signalled: [], gone: [], remaining: [], spared: [] });

      const all = await report('kill', '--user', 'root', '--all', '--signal', 'KILL');
      const reasons = ({ data }: NodeResult): string[] => (data as Signalled).spared.map(({ reason }) => reason);
      expect(reasons(all.nodes.find(({ node }) => node === 'web1')!)).toEqual(
        expect.arrayContaining([
          'the first process of the system',
          'this agent',
          'a fleet agent',
          'a fleet command line',
          'the bus that this agent talks through',
        ]),
      );
      await programs['another of db1']!.ended;
      expect(running()).toEqual(['nats-server', 'agent of web1', 'agent of web2', 'agent of db1']);
      expect(await here!.run('ping')).toMatchObject({ exit: 0 });
    });

    it('others get what their role allows', async () => {
      const bob = await here!.run('ca', 'issue', 'operator', 'bob', '--role', 'reader');
      expect(bob.exit).toBe(0);
      const as = ['--identity', join(home(), 'bob.json')];
      // The bus hears of them a moment later.
      await waitFor(async () => (await here!.run(...as, 'ping')).exit === 0, { what: 'the bus to know bob' });
      const exec = await here!.run(...as, 'exec', '--all', '--', 'true');
      expect(exec.exit).toBe(7);
      expect(exec.stdout).toContain('bob may not run the action exec here');
    });
  },
);
