import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processListAction } from '../../agent/actions/process-list.ts';
import type { ActionContext } from '../../agent/actions/action.ts';
import { readStat } from '../../agent/process/proc-stat.ts';
import { ProcTable, type ProcessScope } from '../../agent/process/process-table.ts';
import { Users } from '../../agent/process/users.ts';
import { systemClock } from '../../shared/clock.ts';
import { startChild, type Child } from '../support/child-process.ts';
import { waitFor } from '../support/wait-for.ts';

const users = new Users();
const MACHINE: ProcessScope = { kind: 'machine' };
const tableOf = (scope: ProcessScope): ProcTable => new ProcTable({ scope }, { users, clock: systemClock });

let folder: string;
let children: Child[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-table-'));
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await rm(folder, { recursive: true, force: true });
});

/** A program under a name of its own, so that a test counts nothing but its own. */
async function startNamed(name: string, env?: Record<string, string>): Promise<Child> {
  const program = join(folder, name);
  await copyFile('/bin/sleep', program).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ETXTBSY') throw error;
  });
  const child = await startChild(program, ['1000'], env === undefined ? {} : { env });
  children.push(child);
  await waitFor(() => readStat(child.pid)?.comm === name.slice(0, 15), { what: `${name} to run` });
  return child;
}

async function startNode(script: string): Promise<Child> {
  const child = await startChild(process.execPath, [
    '-e',
    `${script}; console.log('ready'); setInterval(() => {}, 1e6)`,
  ]);
  children.push(child);
  await waitFor(() => child.stdout().includes('ready'), { what: 'node to run' });
  return child;
}

function list(input: object, scope = MACHINE) {
  const action = processListAction({ table: tableOf(scope), users });
  return action.run(input, {} as ActionContext) as ReturnType<typeof action.run> & Promise<{ data: Data }>;
}
interface Data {
  count: number;
  processes: { pid: number; name: string }[];
}

test('shows who a process is, whose, since when, and how it was called', async () => {
  const before = Date.now();
  const child = await startNamed('fleet-look');
  const record = (await tableOf(MACHINE).find(child.pid))!;
  expect(record).toMatchObject({
    pid: child.pid,
    ppid: process.pid,
    user: users.nameOf(process.getuid!()),
    name: 'fleet-look',
    command: `${folder}/fleet-look 1000`,
    kernel: false,
  });
  // The kernel's boot time is in whole seconds.
  expect(Math.abs(record.startedAt - before)).toBeLessThan(30_000);
  expect(record.ageMs).toBeLessThan(30_000);
});

test('finds every Node.js process by `node`, whatever it calls itself', async () => {
  const plain = await startNode('');
  const titled = await startNode('process.title = "my application server"');
  const { data } = await list({ select: { pattern: 'node' } });
  const found = new Map(data.processes.map((entry) => [entry.pid, entry.name]));
  expect(found.has(plain.pid)).toBe(true);
  expect(found.get(titled.pid)).toBe('my application server');
});

test('shows a name whole that the kernel cuts', async () => {
  await startNamed('fleet-with-a-very-long-name');
  const { data } = await list({ select: { pattern: 'fleet-with-a-very-long-*' } });
  expect(data.processes.map((entry) => entry.name)).toEqual(['fleet-with-a-very-long-name']);
});

test('counts what is expected, and lists what there is either way, by pid', async () => {
  const first = await startNamed('fleet-count');
  const second = await startNamed('fleet-count');
  const select = { pattern: 'fleet-count' };
  const pids = [first.pid, second.pid].sort((a, b) => a - b);
  const expectations = [
    [{ min: 1, max: null }, 'ok', undefined],
    [{ min: 2, max: 2 }, 'ok', undefined],
    [{ min: 3, max: null }, 'failed', 'expected 3 or more, found 2'],
    [{ min: 0, max: 0 }, 'failed', 'expected none, found 2'],
    [{ min: 0, max: 1 }, 'failed', 'expected at most 1, found 2'],
    [{ min: 1, max: 1 }, 'failed', 'expected 1, found 2'],
    [{ min: 3, max: 5 }, 'failed', 'expected 3 to 5, found 2'],
  ] as const;
  for (const [range, state, reason] of expectations) {
    const outcome = await list({ select, expect: range });
    expect(outcome).toMatchObject({ state, data: { count: 2 } });
    expect(outcome.reason).toBe(reason);
    expect(outcome.data.processes.map((entry) => entry.pid)).toEqual(pids);
  }
});

test('leaves out a process that has ended, though its parent has not noticed', async () => {
  const parent = await startChild('sh', ['-c', 'sleep 0 & echo $!; exec sleep 1000']);
  children.push(parent);
  const pid = await waitFor(() => Number(parent.stdout()), { what: 'the child to start' });
  await waitFor(() => readStat(pid)?.ended, { what: 'the child to be a zombie' });
  expect(await tableOf(MACHINE).find(pid)).toBeUndefined();
});

test('an embedded fleet sees only processes that carry its mark', async () => {
  const PATH = process.env['PATH']!;
  const ours = await startNamed('fleet-mark', { PATH, FLEET_TEST_SCOPE: 'one' });
  await startNamed('fleet-mark', { PATH, FLEET_TEST_SCOPE: 'one-more' });
  await startNamed('fleet-mark', { PATH });
  const scope: ProcessScope = { kind: 'marked', variable: 'FLEET_TEST_SCOPE', value: 'one' };
  const { data } = await list({ select: {} }, scope);
  expect(data.processes.map((entry) => entry.pid)).toEqual([ours.pid]);
  expect(await tableOf(scope).find(process.pid)).toBeUndefined();
});
