import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActionContext, ActionOutcome, RunnableAction } from '../../agent/actions/action.ts';
import { execAction } from '../../agent/actions/exec.ts';
import { taskListAction } from '../../agent/actions/task-list.ts';
import { taskRunAction } from '../../agent/actions/task-run.ts';
import { ownPrograms } from '../../agent/process/programs.ts';
import { Users } from '../../agent/process/users.ts';
import { ExclusiveTasks } from '../../agent/tasks/exclusive-tasks.ts';
import { TaskStore } from '../../agent/tasks/task-store.ts';
import { exec } from '../../shared/actions/exec.ts';
import { systemClock } from '../../shared/clock.ts';
import { waitFor } from '../support/wait-for.ts';

const programs = ownPrograms({ users: new Users(), clock: systemClock, graceMs: 1_000 });

let folder: string;
let cancel: AbortController;
let taskRun: RunnableAction;
let tasks: TaskStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-actions-'));
  cancel = new AbortController();
  tasks = new TaskStore({ folder });
  taskRun = taskRunAction({ tasks, programs, exclusive: new ExclusiveTasks() });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function context(changes: Partial<ActionContext> = {}): ActionContext {
  return { job: 'job-1', dryRun: false, signal: cancel.signal, ...changes } as ActionContext;
}
async function runTask(content: object, args: object = {}, changes: Partial<ActionContext> = {}) {
  await writeFile(join(folder, 'work.yaml'), JSON.stringify(content), { mode: 0o644 });
  return (await taskRun.run({ task: 'work', args }, context(changes))) as ActionOutcome<{ stdout: string }>;
}
async function marks(): Promise<string> {
  return await readFile(join(folder, 'marks'), 'utf8').catch(() => '');
}

describe('exec', () => {
  test('runs a program by its arguments, and a shell only when asked', async () => {
    const action = execAction(programs);
    expect(await action.run({ argv: ['echo', '$HOME'] }, context())).toMatchObject({ data: { stdout: '$HOME\n' } });
    const shell = await action.run({ argv: ['echo $0 | tr a-z A-Z'], shell: true }, context());
    expect(shell).toMatchObject({ data: { stdout: '/BIN/SH\n' } });
  });

  test('in a dry run says what it would do, and does nothing', async () => {
    const outcome = await execAction(programs).run(
      { argv: ['touch', join(folder, 'marks')] },
      context({ dryRun: true }),
    );
    expect(outcome).toMatchObject({ state: 'ok', data: { exit: null, stdout: '' } });
    expect(outcome.reason).toContain('would run: touch ');
    await expect(readFile(join(folder, 'marks'))).rejects.toThrow('ENOENT');
  });

  test('takes one command line for a shell, not several', () => {
    expect(exec.input.safeParse({ argv: ['echo', 'a'], shell: true }).success).toBe(false);
    expect(exec.input.safeParse({ argv: ['echo a'], shell: true }).success).toBe(true);
  });
});

describe('task.run', () => {
  test('binds parameters into arguments and environment, in the folder that the task says', async () => {
    const script = 'echo "$1|$MODE|$PWD"';
    const outcome = await runTask(
      {
        argv: ['sh', '-c', script, 'sh', 'to {{version}}'],
        env: { MODE: '<{{mode}}>' },
        cwd: '.',
        parameters: { version: { type: 'integer' }, mode: { default: 'safe' } },
      },
      { version: '8' },
    );
    expect(outcome).toMatchObject({ state: 'ok', data: { stdout: `to 8|<safe>|${folder}\n` } });
  });

  test('refuses a task that is not there, with the nearest name, and arguments that do not fit', async () => {
    await runTask({ argv: ['true'] });
    expect(await taskRun.run({ task: 'wrok' }, context())).toEqual({
      state: 'refused',
      code: 'no-such-task',
      reason: 'there is no task wrok on this node; did you mean work?',
    });
    expect(await runTask({ argv: ['true'] }, { nope: 1 })).toMatchObject({ state: 'refused', code: 'invalid-input' });
  });

  test('ends at its own time limit', async () => {
    expect(await runTask({ argv: ['sleep', '1000'], timeout: '50ms' })).toMatchObject({
      state: 'timeout',
      reason: 'stopped at its time limit',
    });
  });

  test('ends when the caller says so, before its time limit', async () => {
    const outcome = runTask({ argv: ['sh', '-c', 'echo x >>marks; sleep 1000'], cwd: '.', timeout: '10m' });
    await waitFor(async () => (await marks()) !== '', { what: 'the task to run' });
    cancel.abort('cancelled');
    expect(await outcome).toMatchObject({ state: 'cancelled' });
  });

  test('that is exclusive is refused while it runs, and runs again afterwards', async () => {
    const script = 'echo x >>marks; while [ ! -e go ]; do sleep 0.02; done';
    const first = runTask({ argv: ['sh', '-c', script], cwd: '.', exclusive: true });
    await waitFor(async () => (await marks()) === 'x\n', { what: 'the first to run' });
    expect(await taskRun.run({ task: 'work' }, context())).toMatchObject({ state: 'refused', code: 'busy' });
    await writeFile(join(folder, 'go'), '');
    expect(await first).toMatchObject({ state: 'ok' });
    expect(await taskRun.run({ task: 'work' }, context())).toMatchObject({ state: 'ok' });
    expect(await marks()).toBe('x\nx\n');
  });

  test('in a dry run runs the check, or only says what it would run, without secrets', async () => {
    const dry = { dryRun: true };
    const argv = ['sh', '-c', 'echo x >>marks', 'sh', '{{password}}'];
    const parameters = { password: {} };
    const told = await runTask({ argv, parameters, user: 'root', cwd: '.' }, { password: 'hunter2' }, dry);
    expect(told).toMatchObject({ state: 'ok', data: { stdout: '' } });
    expect(told.reason).toBe('would run as root: sh -c echo x >>marks sh (not shown)');
    const check = ['sh', '-c', 'echo "pending: $1"; exit 1', 'sh', '{{password}}'];
    const checked = await runTask({ argv, check, parameters, cwd: '.' }, { password: 'p' }, dry);
    expect(checked).toMatchObject({ state: 'failed', code: 'exit-code', data: { stdout: 'pending: p\n' } });
    expect(await marks()).toBe('');
  });
});

test('task.list has the tasks, and the files that were not accepted', async () => {
  await runTask({ argv: ['true'], description: 'Works' });
  await writeFile(join(folder, 'bad.yaml'), 'x: 1', { mode: 0o644 });
  const outcome = await taskListAction({ tasks }).run({}, context());
  expect(outcome).toMatchObject({ state: 'ok', data: { tasks: [{ name: 'work', description: 'Works' }] } });
  const { problems } = outcome.data as { problems: { source: string }[] };
  expect(problems.map((problem) => problem.source)).toContain(`${join(folder, 'bad.yaml')}:1`);
});
