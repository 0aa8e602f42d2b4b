import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readStat } from '../../agent/process/proc-stat.ts';
import { runProgram, type ProgramHost, type ProgramRequest } from '../../agent/process/run-program.ts';
import { Users } from '../../agent/process/users.ts';
import { systemClock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { waitFor } from '../support/wait-for.ts';

const host: ProgramHost = { users: new Users(), clock: systemClock, graceMs: 1_000 };
const isRoot = process.getuid?.() === 0;

let folder: string;
let cancel: AbortController;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-run-'));
  cancel = new AbortController();
});
afterEach(async () => {
  // Whatever a test left is in the file that it noted its processes in.
  for (const pid of await noted()) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function run(request: ProgramRequest, changes: Partial<ProgramHost> = {}) {
  return runProgram(request, { job: 'job-1', signal: cancel.signal }, { ...host, ...changes });
}
function shell(line: string, request: Partial<ProgramRequest> = {}) {
  return run({ argv: [line], shell: true, cwd: folder, ...request });
}
async function noted(): Promise<number[]> {
  const text = await readFile(join(folder, 'pids'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}
function isRunning(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && !stat.ended;
}

describe('a program that ends by itself', () => {
  test('gives its exit, output and nothing else when all is well', async () => {
    expect(await run({ argv: ['printf', '%s|', 'a b', '$HOME', '*'] })).toEqual({
      state: 'ok',
      data: { exit: 0, signal: null, stdout: 'a b|$HOME|*|', stderr: '', truncated: null },
    });
  });

  test('fails with its exit code and its last words', async () => {
    expect(await shell('echo one >&2; echo "no such table" >&2; exit 3')).toMatchObject({
      state: 'failed',
      code: 'exit-code',
      reason: 'exit 3: no such table',
      data: { exit: 3 },
    });
    expect((await shell('exit 4')).reason).toBe('exit 4');
    expect((await shell('printf %01000d 0 >&2; exit 1')).reason).toHaveLength(
      'exit 1: …'.length + LIMITS.reasonLineLength,
    );
  });

  test('fails with the signal that ended it', async () => {
    expect(await shell('kill -SEGV $$')).toMatchObject({
      state: 'failed',
      code: 'signal',
      reason: 'ended by signal SEGV',
      data: { exit: null, signal: 'SEGV' },
    });
  });

  test('reads what it is given, and an end of file when that is nothing', async () => {
    expect(await run({ argv: ['cat'], stdin: 'grüße\n' })).toMatchObject({ data: { stdout: 'grüße\n' } });
    expect(await run({ argv: ['cat'] })).toMatchObject({ state: 'ok', data: { stdout: '' } });
    expect(await run({ argv: ['true'], stdin: 'x'.repeat(1_000_000) })).toMatchObject({ state: 'ok' });
  });

  test("gets a clean environment, without the agent's own secrets", async () => {
    process.env['FLEET_TEST_SECRET'] = 'hidden';
    try {
      const outcome = await run({ argv: ['env'], env: { RAILS_ENV: 'test' } }, { marks: { FLEET_SCOPE: 'dev' } });
      const names = outcome
        .data!.stdout.trimEnd()
        .split('\n')
        .map((line) => line.split('=')[0]);
      expect(names.sort()).toEqual([
        'FLEET_JOB',
        'FLEET_RUN',
        'FLEET_SCOPE',
        'HOME',
        'LANG',
        'LOGNAME',
        'PATH',
        'RAILS_ENV',
        'USER',
      ]);
    } finally {
      delete process.env['FLEET_TEST_SECRET'];
    }
  });

  test('is not waited for beyond its end when it leaves something in the background that holds its output', async () => {
    const outcome = await shell('sleep 1000 & echo $! >>pids; echo done');
    expect(outcome).toMatchObject({ state: 'ok', data: { stdout: 'done\n' } });
    const [left] = await noted();
    expect(isRunning(left!)).toBe(true);
  });
});

describe('a program that cannot be started', () => {
  test.each<[string, ProgramRequest, object]>([
    ['is nowhere', { argv: ['fleet-no-such-program'] }, { state: 'failed', code: 'not-found' }],
    ['is not at its path', { argv: ['/nowhere/program'] }, { state: 'failed', code: 'not-found' }],
    ['is no program', { argv: ['/etc/passwd'] }, { state: 'failed', code: 'not-executable' }],
    ['is a directory', { argv: ['/etc'] }, { state: 'failed', code: 'not-executable' }],
    ['has no name', { argv: [''] }, { state: 'failed', code: 'not-found' }],
    ['has no directory', { argv: ['true'], cwd: '/nowhere' }, { state: 'failed', code: 'no-such-directory' }],
    [
      'has a file for a directory',
      { argv: ['true'], cwd: '/etc/passwd' },
      { state: 'failed', code: 'no-such-directory' },
    ],
    ['has no user', { argv: ['true'], user: 'fleet-nobody' }, { state: 'failed', code: 'no-such-user' }],
    ['has a zero byte', { argv: ['echo', 'a\0b'] }, { state: 'refused', code: 'invalid-input' }],
    ['has too much', { argv: ['echo', 'x'.repeat(1_000_000)] }, { state: 'failed', code: 'arguments-too-long' }],
  ])('because it %s, says so', async (_what, request, expected) => {
    const outcome = await run(request);
    expect(outcome).toMatchObject(expected);
    expect(outcome.reason).toBeTruthy();
    expect(outcome.data).toBeUndefined();
  });

  test('because its interpreter is missing, says that', async () => {
    await writeFile(join(folder, 'script'), '#!/nowhere/ruby\n', { mode: 0o755 });
    expect(await run({ argv: ['./script'], cwd: folder })).toMatchObject({
      code: 'not-found',
      reason: expect.stringContaining('interpreter') as string,
    });
  });

  test('because the command was stopped before, never starts', async () => {
    cancel.abort('cancelled');
    expect(await shell('echo $$ >>pids')).toEqual({ state: 'cancelled', code: 'not-started', reason: 'never started' });
    expect(await noted()).toEqual([]);
  });
});

describe('much output', () => {
  test('of a hundred megabytes keeps head and tail, and counts the rest', async () => {
    const outcome = await shell('echo first; head -c 100000000 /dev/zero | tr "\\0" x; echo; echo last');
    const { stdout, truncated } = outcome.data!;
    expect(outcome.state).toBe('ok');
    expect(truncated).toEqual({ stdout: 100_000_012 - LIMITS.outputBytes });
    expect(stdout).toMatch(/^first\nx+\n… \d+ bytes left out …\nx+\nlast\n$/);
    expect(stdout.length).toBeLessThan(LIMITS.outputBytes + 100);
  });

  test('on both streams is counted by stream', async () => {
    const outcome = await shell('head -c 300000 /dev/zero; head -c 400000 /dev/zero >&2');
    expect(outcome.data!.truncated).toEqual({
      stdout: 300_000 - LIMITS.outputBytes,
      stderr: 400_000 - LIMITS.outputBytes,
    });
  });

  test('that is binary comes as text with replacement characters', async () => {
    const outcome = await shell("printf 'a\\377\\000b'");
    expect(outcome.data!.stdout).toBe('a\ufffd\0b');
  });

  test('of characters of several bytes is not torn at the cut', async () => {
    const outcome = await shell('yes € | head -c 800001');
    expect(outcome.data!.stdout).not.toContain('\ufffd\n…');
    expect(outcome.data!.stdout.replace(/\ufffd$/, '')).not.toContain('\ufffd');
  });
});

describe('a program that has to end', () => {
  const stubborn = `trap '' TERM; echo $$ >>pids; while :; do read line </dev/zero; done`;

  async function endAfter(count: number, line: string, reason: 'timeout' | 'cancelled') {
    const outcome = shell(line);
    await waitFor(async () => (await noted()).length === count, { what: `${count} processes to run` });
    cancel.abort(reason);
    return await outcome;
  }

  test('takes its whole tree with it, and says what it had printed', async () => {
    const line = 'echo before; (echo $BASHPID >/dev/null; sleep 1000 & echo $! >>pids; wait) & echo $$ >>pids; wait';
    expect(await endAfter(2, line, 'timeout')).toMatchObject({
      state: 'timeout',
      code: 'timeout',
      reason: 'stopped at its time limit',
      data: { exit: null, signal: 'TERM', stdout: 'before\n' },
    });
    expect((await noted()).filter(isRunning)).toEqual([]);
  });

  test('is killed when it ignores TERM', async () => {
    expect(await endAfter(1, stubborn, 'cancelled')).toMatchObject({ state: 'cancelled', data: { signal: 'KILL' } });
    expect((await noted()).filter(isRunning)).toEqual([]);
  });

  test('is ended when it had been stopped', async () => {
    const line = 'sleep 1000 & kill -STOP $!; echo $! >>pids; wait';
    expect(await endAfter(1, line, 'timeout')).toMatchObject({ state: 'timeout' });
    expect((await noted()).filter(isRunning)).toEqual([]);
  });

  test('takes children with it that moved to a session of their own and lost their parent', async () => {
    await writeFile(join(folder, 'orphan'), 'echo $$ >>pids; exec sleep 1000');
    await writeFile(join(folder, 'parent'), 'setsid sh ./orphan & exit');
    const line = 'echo $$ >>pids; setsid sh ./parent; exec sleep 1000';
    expect(await endAfter(2, line, 'timeout')).toMatchObject({ state: 'timeout', code: 'timeout' });
    expect((await noted()).filter(isRunning)).toEqual([]);
  });

  test('takes children with it that moved away and dropped the mark, as long as their parents are there', async () => {
    const line = `echo $$ >>pids; setsid env -i /bin/sh -c 'echo $$ >>pids; sleep 1000; :' & wait`;
    expect(await endAfter(2, line, 'timeout')).toMatchObject({ state: 'timeout', code: 'timeout' });
    expect((await noted()).filter(isRunning)).toEqual([]);
  });

  test('keeps its own exit when it ends well in its grace', async () => {
    const line = `trap 'echo bye; exit 0' TERM; echo $$ >>pids; while :; do sleep 0.05; done`;
    expect(await endAfter(1, line, 'timeout')).toMatchObject({ state: 'timeout', data: { exit: 0, stdout: 'bye\n' } });
  });

  test('leaves another run of the same job alone', async () => {
    const other = shell('echo $$ >>pids; exec sleep 1000');
    await waitFor(async () => (await noted()).length === 1, { what: 'the other run' });
    const [survivor] = await noted();
    const first = new AbortController();
    const outcome = runProgram(
      { argv: ['echo $$ >>pids; exec sleep 1000'], shell: true, cwd: folder },
      { job: 'job-1', signal: first.signal },
      host,
    );
    await waitFor(async () => (await noted()).length === 2, { what: 'the second run' });
    first.abort('cancelled');
    expect(await outcome).toMatchObject({ state: 'cancelled' });
    expect(isRunning(survivor!)).toBe(true);
    cancel.abort('cancelled');
    expect(await other).toMatchObject({ state: 'cancelled' });
  });
});

describe.skipIf(!isRoot)('another user (needs root)', () => {
  test('has only its own group when it is in no other', async () => {
    const outcome = await run({ argv: ['id -un; id -G; echo $USER'], shell: true, user: 'nobody' });
    expect(outcome.data?.stdout).toBe('nobody\n65534\nnobody\n');
  });

  test('has all of its groups, and no more', async () => {
    await writeFile(join(folder, 'group'), 'a:x:2000:nobody\nb:x:2001:nobody,root\nc:x:2002:root\n');
    const users = new Users({ group: join(folder, 'group') });
    const outcome = await run({ argv: ['id', '-G'], user: '65534' }, { users });
    expect(outcome).toMatchObject({ state: 'ok', data: { stdout: '65534 2000 2001\n' } });
    expect(await run({ argv: ['false'], user: 'nobody' }, { users })).toMatchObject({ code: 'exit-code' });
    expect(await run({ argv: ['nope'], user: 'nobody' }, { users })).toMatchObject({ code: 'not-found' });
  });

  test('is ended like any other', async () => {
    const outcome = run({ argv: ['trap "" TERM; sleep 1000 & wait; wait'], shell: true, user: 'nobody' });
    setImmediate(() => cancel.abort('timeout'));
    expect(await outcome).toMatchObject({ state: 'timeout', code: 'timeout' });
  });
});
