/** `fleet dev`: two at once, one that is interrupted, one whose agent can't start. Nothing is left, and nothing is lost. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readState } from '../../controller/dev/embedded-state.ts';
import { isMarked } from '../../controller/dev/marked-processes.ts';
import { FleetCli } from '../support/fleet-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

let cli: FleetCli;
let folder = '';
let spec = '';

beforeEach(() => {
  cli = new FleetCli(temporaryFolder());
  folder = join(cli.stateHome, 'fleet', 'dev');
  spec = join(cli.folder, 'spec.yaml');
  writeFileSync(spec, JSON.stringify({ nodes: { db1: {} } }), { mode: 0o600 });
});
afterEach(async () => {
  await cli.run('dev', 'down');
});

const up = (): string[] => ['dev', 'up', '--spec', spec];
const marked = (mark: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isMarked(pid, mark));

it('has a service with it where one is asked for, which is shown, does its work and goes with the rest', async () => {
  const started = await cli.run(...up(), '--serve');
  expect([started.exit, started.stdout]).toEqual([0, expect.stringContaining('a service with its health at http://')]);
  const { mark, service } = readState(folder) ?? {};
  if (service === undefined) throw new Error('no service is known');
  expect((await cli.run('dev', 'status')).stdout).toContain(`${service.url}/readyz`);
  expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  expect((await cli.run('exec', '--all', '--batch', '1', '--detach', '--', 'true')).exit).toBe(0);
  process.kill(service.pid, 'SIGKILL');
  await waitFor(() => !isMarked(service.pid, mark ?? ''), { what: 'the service to be gone' });
  const status = await cli.run('dev', 'status');
  expect([status.exit, status.stderr]).toEqual([3, expect.stringContaining('The service does not run any more')]);
  expect((await cli.run('dev', 'down')).exit).toBe(0);
  expect(marked(mark ?? '')).toEqual([]);
});

it('comes up once when it is started twice at once', async () => {
  const both = await Promise.all([cli.run(...up()), cli.run(...up())]);
  expect(both.map(({ exit }) => exit).toSorted()).toEqual([0, 2]);
  const winner = both.find(({ exit }) => exit === 0);
  const loser = both.find(({ exit }) => exit === 2);
  expect(winner?.stdout).toContain('The embedded fleet is up: 1 node (db1), bus at');
  expect(loser?.stderr).toContain('an embedded fleet is up already');
  expect((await cli.run('ping')).exit).toBe(0);
  expect(readdirSync(join(cli.stateHome, 'fleet'))).toEqual(['dev']);
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is taken down again when %s ends its start', async (signal) => {
  const child = await cli.start(up());
  const state = await waitFor(
    () => {
      const found = readState(folder);
      return found !== undefined && found.natsPid > 0 && found;
    },
    { what: 'the bus to be started' },
  );
  child.kill(signal);
  expect(await child.ended).toEqual({ code: 130, signal: null });
  expect(marked(state.mark)).toEqual([]);
  expect(readdirSync(cli.stateHome)).toEqual([]);
});

it('does not count as up when its start was killed, and starts over', async () => {
  const child = await cli.start(up());
  const state = await waitFor(
    () => {
      const found = readState(folder);
      return found !== undefined && found.natsPid > 0 && found;
    },
    { what: 'the bus to be started' },
  );
  child.kill('SIGKILL');
  await child.ended;
  const status = await cli.run('dev', 'status');
  expect([status.exit, status.stdout]).toEqual([6, expect.stringContaining('No embedded fleet is up: ')]);
  expect((await cli.run(...up())).exit).toBe(0);
  expect(marked(state.mark)).toEqual([]);
});

it('says what the log of an agent says that did not come up', async () => {
  const child = await cli.start(up());
  const policy = join(folder, 'nodes', 'db1', 'policy.yaml');
  // The last of the node's files that its folder is made with; the bus has yet to start, and only then do agents.
  const last = join(folder, 'nodes', 'db1', 'state', 'fresh');
  await waitFor(() => existsSync(last), { what: 'the files of db1', everyMs: 1 });
  writeFileSync(policy, 'rubbish: true');
  const { code } = await child.ended;
  const stderr = child.stderr();
  expect(code).toBe(2);
  expect(stderr).toMatch(/^fleet: the agent of db1 ended; the end of its log:\n.*policy/);
  expect(existsSync(folder)).toBe(false);
});

it('says `1 node`', async () => {
  await cli.run(...up());
  expect((await cli.run('dev', 'status')).stdout).toContain('up: 1 node (db1)');
  expect(readFileSync(join(folder, 'embedded.json'), 'utf8')).toContain('"ready":true');
});
