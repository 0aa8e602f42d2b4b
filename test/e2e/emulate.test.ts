/** Emulated nodes: they join as any, answer as any, come back as the same ones, and misbehave as they are told. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { isMarked } from '../../controller/dev/marked-processes.ts';
import { readState } from '../../controller/dev/embedded-state.ts';
import type { Report } from '../../controller/report.ts';
import type { Child } from '../support/child-process.ts';
import { FleetCli } from '../support/fleet-cli.ts';
import { OwnedFleet } from '../support/owned-fleet.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const COUNT = 12;
let fleet: OwnedFleet;
let token = '';
beforeAll(async () => {
  fleet = await OwnedFleet.start();
  await fleet.serve();
  token = (await fleet.token('--uses', String(COUNT), '--names', 'em*')).file;
});
afterAll(() => fleet?.stop());

const running: Child[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await child.stop();
});

async function emulate(...flags: readonly string[]): Promise<Child> {
  const words = [
    'emulate',
    '-n',
    String(COUNT),
    '--folder',
    join(fleet.folder, 'emulated'),
    '--workers',
    '2',
    ...flags,
  ];
  const child = await fleet.cli.start(words);
  running.push(child);
  await waitFor(() => child.stdout().includes(`${COUNT} of ${COUNT} nodes are ready`), {
    what: 'the nodes to be ready',
  });
  return child;
}
const facts = async (): Promise<unknown> => (await fleet.cli.json<Report>('facts', 'role', 'os', 'site')).facts;

it('joins, answers, and comes back as the same nodes without a token', async () => {
  const first = await emulate('--token', token);
  expect(await fleet.cli.json<Report>('ping')).toMatchObject({ expected: COUNT, states: { ok: COUNT }, exit: 0 });
  const drawn = await facts();
  expect(JSON.stringify(drawn)).toContain('debian');
  first.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ signal: null });
  const gone = await fleet.cli.json<Report>('ping', '--ack-timeout', '200ms');
  expect(gone.states).toEqual({ unreachable: COUNT });
  await emulate();
  expect(await facts()).toEqual(drawn);
  const counted = await fleet.cli.json<Report>('exec', '--all', '--yes', '--', 'true');
  expect(counted.states).toEqual({ ok: COUNT });
});

it('is silent and fails as it is told', async () => {
  const silent = await emulate('--silence', '100%');
  expect((await fleet.cli.json<Report>('ping', '--ack-timeout', '200ms')).states).toEqual({ unreachable: COUNT });
  await silent.stop();
  await emulate('--failure', '100%', '--latency', '1ms..20ms');
  const failed = await fleet.cli.json<Report>('ping');
  expect(failed.states).toEqual({ failed: COUNT });
  expect(failed.nodes[0]).toMatchObject({ code: 'emulated' });
});

it.each([
  [['-n', '0'], 'Expected 1 to'],
  [['-n', '5', '--silence', '120%'], 'Expected a percentage'],
  [['-n', '5', '--latency', '80ms..5ms'], "--latency can't be from 80ms to 5ms"],
  [['-n', '5', '--prefix', 'NODE'], `"NODE" can't be how names of nodes begin`],
  [['-n', '5', '--token', '/nowhere/token'], "the token can't be read"],
])('refuses %j before anything is started', async (words, reason) => {
  const { exit, stderr } = await fleet.cli.run('emulate', ...words);
  expect(exit).toBe(2);
  expect(stderr).toContain(reason);
});

it('comes up beside an embedded fleet, and goes with it', async () => {
  const cli = new FleetCli(temporaryFolder());
  try {
    const up = await cli.run('dev', 'up', '--emulate', '5', '--workers', '1');
    expect(up).toMatchObject({ exit: 0, stdout: expect.stringContaining('and 5 emulated ones') });
    expect(await cli.json<Report>('ping', '--node', 'em*')).toMatchObject({ states: { ok: 5 } });
    const { mark = '' } = readState(join(cli.stateHome, 'fleet', 'dev')) ?? {};
    expect((await cli.run('dev', 'down')).exit).toBe(0);
    expect(readdirSync('/proc').filter((pid) => isMarked(Number(pid), mark))).toEqual([]);
  } finally {
    await cli.run('dev', 'down');
  }
});
