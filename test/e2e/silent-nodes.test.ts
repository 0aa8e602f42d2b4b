/**
 * Silence is a state, and has a name. What takes long (an agent that falls silent after it acknowledged is given up on
 * after three heartbeats) runs at the same time as everything else.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import type { Child } from '../support/child-process.ts';
import { tapBus } from '../support/bus-tap.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const SLOW = ['dying', 'hanging', 'restarted'];
const UNREACHABLE = { state: 'unreachable', reason: 'no answer within 2 s, asked twice', data: null, ms: null };
const LOST = {
  state: 'lost',
  reason: expect.stringMatching(/^acknowledged, then silent for .*; it may have run$/) as string,
  data: null,
  ms: null,
};

describe('a node that says nothing', () => {
  let fleet: EmbeddedFleet;
  const started: Child[] = [];
  /** Given up on after 17 s; looked at by the last test. */
  let slow: Child;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({
      dying: {},
      hanging: {},
      restarted: {},
      stopped: {},
      killed: {},
      late: {},
      fine1: { facts: { role: 'fine' } },
      fine2: { facts: { role: 'fine' } },
    });
    slow = await startSlow();
    process.kill(fleet.node('stopped').pid, 'SIGSTOP');
    await fleet.endAgent('killed', 'SIGKILL');
    await fleet.endAgent('late', 'SIGTERM');
  });
  afterAll(async () => {
    await Promise.all(started.map((child) => child.stop()));
    await fleet.stop();
  });

  /** One command; its nodes are taken away when they have said that they run it. */
  async function startSlow(): Promise<Child> {
    const bus = await tapBus(fleet);
    const acknowledged = new Set<string>();
    bus.subscribe('fleet.main.res.>', { callback: (_error, { subject }) => void acknowledged.add(subject) });
    await bus.flush();
    const release = join(fleet.cli.folder, 'release');
    const script = `touch ${fleet.cli.folder}/began-\${FLEET_EMBEDDED_NODE##*/}; until [ -e ${release} ]; do sleep 0.1; done`;
    const target = SLOW.flatMap((node) => ['--node', node]);
    const cli = await fleet.cli.start(['exec', '-o', 'ndjson', '--timeout', '10m', ...target, '--shell', '--', script]);
    started.push(cli);
    await waitFor(() => acknowledged.size === SLOW.length, { what: 'all of them to acknowledge' });
    const began = (): boolean => SLOW.every((node) => existsSync(join(fleet.cli.folder, `began-${node}`)));
    await waitFor(began, { what: 'the program to run on all of them' });
    await bus.close();
    await fleet.endAgent('dying', 'SIGKILL');
    process.kill(fleet.node('hanging').pid, 'SIGSTOP');
    await fleet.restartAgent('restarted', 'SIGKILL');
    writeFileSync(release, '');
    return cli;
  }

  it('is named, with what is known of it, and the others are not held up', async () => {
    const [ping, facts] = await Promise.all([
      fleet.report('ping', '--ack-timeout', '2s', '--node', 'stopped', '--node', 'killed', '--node', 'fine*'),
      fleet.report('facts', 'role', '--ack-timeout', '2s', '--where', 'role=fine or name in (stopped, killed)'),
    ]);
    for (const report of [ping, facts])
      expect(report).toMatchObject({
        exit: 3,
        expected: 4,
        states: { ok: 2, unreachable: 2 },
        nodes: [
          { node: 'fine1', state: 'ok' },
          { node: 'fine2', state: 'ok' },
          { node: 'killed', ...UNREACHABLE },
          { node: 'stopped', ...UNREACHABLE },
        ],
      });
  });

  it('has as long as the caller says', async () => {
    const report = await fleet.report('ping', '--node', 'stopped', '--ack-timeout', '300ms');
    expect(report).toMatchObject({ exit: 4, nodes: [{ reason: 'no answer within 0.3 s, asked twice' }] });
  });

  it('is not waited for when it is not expected: who is expected has answered, and that is the end', async () => {
    const report = await fleet.report('ping', '--where', 'role=fine', '--ack-timeout', '5m');
    expect(report).toMatchObject({ exit: 0, expected: 2, states: { ok: 2 } });
  });

  it('may come up while it is waited for, and then has the command once', async () => {
    const ran = join(fleet.cli.folder, 'ran');
    const bus = await tapBus(fleet);
    const sent: string[] = [];
    bus.subscribe('fleet.main.cmd.node.late', { callback: (_error, { subject }) => void sent.push(subject) });
    await bus.flush();
    const cli = await fleet.cli.start([
      'exec',
      '--node',
      'late',
      '--ack-timeout',
      '8s',
      '-o',
      'json',
      '--shell',
      '--',
      `echo x >>${ran}; cat ${ran}`,
    ]);
    started.push(cli);
    // Half of the time, and the command is sent again: by then the agent is up.
    await waitFor(() => sent.length === 1, { what: 'the command to be sent' });
    await fleet.restartAgent('late');
    expect((await cli.ended).code).toBe(0);
    expect(JSON.parse(cli.stdout())).toMatchObject({
      exit: 0,
      nodes: [{ node: 'late', state: 'ok', data: { stdout: 'x\n' } }],
    });
    expect(sent).toHaveLength(2);
    await bus.close();
  });

  it('goes on where it stopped, and answers the next command', async () => {
    process.kill(fleet.node('stopped').pid, 'SIGCONT');
    const report = await waitFor(
      async () => {
        const now = await fleet.report('ping', '--node', 'stopped', '--ack-timeout', '2s');
        return now.exit === 0 && now;
      },
      { what: 'the stopped node to answer' },
    );
    expect(report.states).toEqual({ ok: 1 });
  });

  it('once it has acknowledged is lost, whether it died or hangs; one that was started again says how it ended', async () => {
    expect((await slow.ended).code).toBe(3);
    const lines = slow
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Report);
    expect(lines.at(-1)).toMatchObject({ type: 'summary', exit: 3, expected: 3, states: { ok: 1, lost: 2 } });
    const nodes = lines.slice(0, -1) as unknown as { node: string }[];
    expect(nodes.toSorted((a, b) => a.node.localeCompare(b.node))).toEqual(
      SLOW.map((node) => expect.objectContaining(node === 'restarted' ? { node, state: 'ok' } : { node, ...LOST })),
    );
    expect(slow.stderr()).toContain('dying,hanging  lost');
  }, 60_000);
});
