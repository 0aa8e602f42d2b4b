/** `fleet dev`: comes up whole or not at all, leaves nothing behind however it ends, and touches nobody else's processes. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { FleetCli } from '../support/fleet-cli.ts';
import { noPidNamespace } from '../support/pid-namespace.ts';
import { ServerNamespace } from '../support/server-namespace.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const NONE = 'No embedded fleet is up.';

describe('fleet dev', () => {
  let cli: FleetCli;
  let folder: string;
  const children: Child[] = [];
  beforeEach(() => {
    cli = new FleetCli(temporaryFolder());
    folder = join(cli.stateHome, 'fleet', 'dev');
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await cli.run('dev', 'down');
  });

  const specOf = (nodes: unknown, name = 'spec.yaml'): string => {
    const path = join(cli.folder, name);
    writeFileSync(path, typeof nodes === 'string' ? nodes : JSON.stringify({ nodes }), { mode: 0o600 });
    return path;
  };
  const start = async (...args: string[]): Promise<Child> => {
    const child = await cli.start(args);
    children.push(child);
    return child;
  };
  const mark = (): string => (JSON.parse(readFileSync(join(folder, 'embedded.json'), 'utf8')) as { mark: string }).mark;

  it('says that nothing is up, and has nothing to end', async () => {
    const [status, down] = await Promise.all([cli.run('dev', 'status'), cli.run('dev', 'down')]);
    expect(status).toMatchObject({ exit: 6, stderr: '' });
    expect(status.stdout).toContain(NONE);
    expect(down).toMatchObject({ exit: 0, stderr: '' });
    expect(down.stdout).toContain(NONE);
  });

  it('comes up once; the one that is up is left as it is', async () => {
    const spec = specOf({ web1: { facts: { role: 'web' } }, web2: null });
    const first = await cli.run('dev', 'up', '--spec', spec);
    expect(first.stdout).toMatch(
      /^The embedded fleet is up: 2 nodes \(web\[1-2\]\), bus at tls:\/\/127\.0\.0\.1:\d+\n$/,
    );
    const own = mark();
    const second = await cli.run('dev', 'up', '--spec', spec);
    expect(second).toMatchObject({ exit: 2, stdout: '' });
    expect(second.stderr).toMatch(/^fleet: an embedded fleet is up already\n.*fleet dev down/);
    expect(mark()).toBe(own);
    expect(await cli.run('ping')).toMatchObject({ exit: 0 });
    const down = await cli.run('dev', 'down');
    expect(down.stdout).toMatch(/^The embedded fleet is down: \d+ processes ended, nothing left behind\.\n/);
    expect([existsSync(folder), markedBy(own)]).toEqual([false, []]);
  });

  it('that was killed while it came up can be ended, and can come up', async () => {
    const spec = specOf(
      Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`node${at}`, { processes: { node: 1 } }])),
    );
    const interrupted = async (): Promise<string> => {
      const up = await start('dev', 'up', '--spec', spec);
      // Its bus and an agent run: half of it.
      await waitFor(() => existsSync(join(folder, 'nodes', 'node0', 'agent.log')), { what: 'the first agent' });
      up.kill('SIGKILL');
      await up.ended;
      return mark();
    };
    const first = await interrupted();
    expect(markedBy(first).length).toBeGreaterThan(0);
    expect(await cli.run('dev', 'down')).toMatchObject({ exit: 0 });
    expect([existsSync(folder), markedBy(first)]).toEqual([false, []]);

    const second = await interrupted();
    const again = await cli.run('dev', 'up', '--spec', spec);
    expect(again).toMatchObject({ exit: 0, stderr: '' });
    expect(markedBy(second)).toEqual([]);
    expect(JSON.parse((await cli.run('ping', '-o', 'json')).stdout)).toMatchObject({ states: { ok: 8 } });
  });

  it('that is interrupted while it comes up takes itself down', async () => {
    const up = await start('dev', 'up');
    await waitFor(() => existsSync(join(folder, 'nodes', 'db1', 'agent.log')), { what: 'the first agent' });
    const own = mark();
    up.kill('SIGINT');
    expect(await up.ended).toEqual({ code: 130, signal: null });
    expect(up.stderr()).toBe('fleet: interrupted\n');
    expect([existsSync(folder), markedBy(own)]).toEqual([false, []]);
  });

  it('takes down what hangs, what was left running, and what a killed fleet left; an agent that died it names', async () => {
    await cli.run('dev', 'up', '--spec', specOf({ web1: {}, web2: {} }));
    const own = mark();
    const { nodes, natsPid } = JSON.parse(
      readFileSync(join(folder, 'embedded.json'), 'utf8'),
    ) as EmbeddedFleet['state'];
    await cli.run('exec', '--all', '--shell', '--', 'setsid sleep 1000 >/dev/null 2>&1 &');
    process.kill(nodes[0]!.pid, 'SIGKILL');
    await waitFor(async () => (await cli.run('dev', 'status')).exit === 3, { what: 'a status that misses an agent' });
    const status = await cli.run('dev', 'status');
    expect(status.stderr).toBe("Agents that don't run any more: web1\n");
    process.kill(nodes[1]!.pid, 'SIGSTOP');
    process.kill(natsPid, 'SIGKILL');
    expect((await cli.run('dev', 'down')).stdout).toContain('nothing left behind');
    expect([existsSync(folder), markedBy(own)]).toEqual([false, []]);
  });

  it('lives beside another one, and beside the fleet of the user', async () => {
    const other = new FleetCli(temporaryFolder());
    try {
      await Promise.all([
        cli.run('dev', 'up', '--spec', specOf({ mine: {} })),
        other.run('dev', 'up', '--spec', specOf({ theirs: {} }, 'other.yaml')),
      ]);
      await cli.run('dev', 'down');
      const ping = await other.run('ping', '-o', 'names');
      expect(ping).toMatchObject({ exit: 0, stdout: 'theirs\n' });

      // A context of one's own is said to be passed over, unless it is named.
      const own = join(other.configHome, 'fleet', 'context.yaml');
      mkdirSync(join(other.configHome, 'fleet'), { recursive: true });
      writeFileSync(own, JSON.stringify({ servers: ['nats://127.0.0.1:1'], identity: 'x.json' }), { mode: 0o600 });
      const hidden = await other.run('find', '-o', 'names');
      expect(hidden.stderr).toContain(`using the embedded fleet of this machine, not ${own}`);
      const named = await other.run('--context', own, 'ping');
      expect(named).toMatchObject({ exit: 2, stdout: '' });
    } finally {
      await other.run('dev', 'down');
    }
  });

  it('takes no specification that makes no sense, and leaves nothing of it', async () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`n${at}`, {}]));
    const cases: [spec: string, says: string | RegExp][] = [
      [join(cli.folder, 'missing.yaml'), 'missing.yaml is not there'],
      [cli.folder, cli.folder],
      [specOf('nodes: [', 'syntax.yaml'), /syntax\.yaml, line 1/],
      [specOf('', 'empty.yaml'), 'nodes'],
      [specOf({}, 'none.yaml'), 'expected 1 to 100 nodes'],
      [specOf(many, 'many.yaml'), 'expected 1 to 100 nodes'],
      [specOf({ web1: { fact: {} } }, 'field.yaml'), /nodes\.web1: .*fact/],
      [specOf({ 'Web 1': {} }, 'name.yaml'), 'Web 1'],
      [
        specOf({ web1: { tasks: 'nowhere' } }, 'tasks.yaml'),
        /web1 takes its tasks from .*nowhere, which isn't a folder/,
      ],
      [specOf({ web1: { processes: { 'a/b': 1 } } }, 'process.yaml'), 'a process is named'],
      [specOf({ web1: { processes: { node: 21 } } }, 'count.yaml'), 'processes.node'],
      [specOf({ web1: { trusted: { zone: ['a'] } } }, 'trusted.yaml'), 'trusted.zone'],
    ];
    const outcomes = await Promise.all(cases.map(([spec]) => cli.run('dev', 'up', '--spec', spec)));
    expect(outcomes).toEqual(
      cases.map(([, says]) => ({
        exit: 2,
        stdout: '',
        stderr: (typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says)) as string,
      })),
    );
    for (const { stderr } of outcomes) expect(stderr).toMatch(/^fleet: .+\n( .+\n){0,2}$/);
    expect(existsSync(folder)).toBe(false);
  });

  it('says what is missing when there is no bus to be had, or no bus that runs', async () => {
    const spec = specOf({ web1: {} });
    const broken = join(cli.folder, 'nats-server');
    writeFileSync(
      broken,
      '#!/bin/sh\n[ "$1" = -v ] && echo "nats-server: v2.10.0" && exit\necho "no disk" >&2\nexit 1\n',
      {
        mode: 0o755,
      },
    );
    const missing = await cli.runWith({ env: { FLEET_NATS_SERVER: '/nonexistent' } }, 'dev', 'up', '--spec', spec);
    const failing = await cli.runWith({ env: { FLEET_NATS_SERVER: broken } }, 'dev', 'up', '--spec', spec);
    expect([missing.exit, failing.exit, missing.stdout, failing.stdout]).toEqual([2, 2, '', '']);
    expect(missing.stderr).toMatch(
      /^fleet: nats-server .* is needed, and FLEET_NATS_SERVER names no program: \/nonexistent\n/,
    );
    expect(failing.stderr).toMatch(/^fleet: nats-server did not start:\nno disk\n/);
    expect(existsSync(folder)).toBe(false);
  });
});

const missing = noPidNamespace();
// A namespace, so that a mistake in what is tested here ends nobody's processes.
describe.skipIf(missing !== undefined)(
  `strangers' processes${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('are neither listed nor ended by an embedded fleet, whatever their names, users and ages', async () => {
      const server = await ServerNamespace.start();
      const strangers: Child[] = [];
      try {
        const fleet = await startEmbeddedFleet(
          { web1: { processes: { 'stray-worker': 1, svscan: 1, node: 1 } }, web2: { processes: { svscan: 1 } } },
          server.prefix,
        );
        try {
          const programs = join(fleet.cli.folder, 'programs');
          mkdirSync(programs);
          for (const name of ['stray-worker', 'svscan']) copyFileSync('/bin/sleep', join(programs, name));
          const words = [
            [join(programs, 'stray-worker'), '1000'],
            [join(programs, 'svscan'), '1000'],
            [process.execPath, '-e', 'setInterval(() => {}, 2 ** 30)'],
            // Of an embedded fleet that there was before.
            ['env', `FLEET_EMBEDDED_NODE=${'0'.repeat(24)}/web1`, join(programs, 'stray-worker'), '1001'],
          ];
          for (const line of words) strangers.push(await fleet.cli.startProgram(line));

          const listed = await fleet.report('ps');
          const pids = listed.nodes.flatMap(({ data }) =>
            (data as { processes: { pid: number }[] }).processes.map(({ pid }) => pid),
          );
          expect(pids.toSorted()).toEqual(fleet.state.nodes.flatMap(({ processes }) => processes).toSorted());
          for (const kill of [
            ['node'],
            ['stray*'],
            ['svscan'],
            ['--full', '*s*'],
            ['--user', 'root'],
            ['--full', '1000'],
          ])
            expect(await fleet.report('kill', '--all', '--signal', 'KILL', ...kill)).toMatchObject({ exit: 0 });
          // The agents and the bus are strangers, too, to what the nodes see.
          const after = await fleet.report('ps');
          expect(after.nodes.map(({ data }) => (data as { count: number }).count)).toEqual([0, 0]);
          expect(strangers.map((child) => child.isRunning())).toEqual([true, true, true, true]);
          expect(await fleet.run('ping')).toMatchObject({ exit: 0 });
        } finally {
          await fleet.stop();
        }
        expect(strangers.map((child) => child.isRunning())).toEqual([true, true, true, true]);
      } finally {
        await Promise.all(strangers.map((child) => child.stop()));
        await server.stop();
      }
    }, 60_000);
  },
);

/** Pids of what carries the mark of an embedded fleet in its environment. */
function markedBy(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`=${mark}`);
      } catch {
        return false;
      }
    });
}
