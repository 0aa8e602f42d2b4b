/** Real programs, in groups of their own, on the machine itself. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runProgram, type ProgramResult } from '../../../agent/facts/run-program.ts';
import { waitFor } from '../../support/wait-for.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-facts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function sh(script: string, signal = AbortSignal.timeout(20_000)): Promise<ProgramResult> {
  const env = { PATH: '/usr/bin:/bin', FOLDER: folder };
  return runProgram(['/bin/sh', '-c', script], { env, maxBytes: 10_000, signal });
}

/** The id that a program of the test has written down, once it's there. */
function writtenPid(name: string): Promise<number> {
  return waitFor(async () => Number(await readFile(join(folder, name), 'utf8')), { what: `${name} to be written` });
}

/** A zombie has ended too: nothing but its parent's look is missing. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return status !== undefined && !/\) [ZX] /.test(status);
}

async function expectGone(pid: number): Promise<void> {
  await waitFor(async () => !(await isRunning(pid)), { what: `process ${pid} to be gone` });
}

describe('a program', () => {
  it('is not signalled by its number once it has ended: the number may be that of another', async () => {
    const signalled = vi.spyOn(process, 'kill');
    onTestFinished(() => signalled.mockRestore());
    const stop = new AbortController();
    const ending = sh(
      // It ends only when the other has left its group: at its end, the group is ended.
      'setsid sh -c \'echo $$ > "$FOLDER/left"; exec sleep 30\' & while ! [ -s "$FOLDER/left" ]; do sleep 0.01; done; echo $$ > "$FOLDER/main"',
      stop.signal,
    );
    const left = await writtenPid('left');
    const main = await writtenPid('main');
    await expectGone(main);
    await waitFor(() => signalled.mock.calls.length > 0, { what: 'its group to be ended' });
    const toGroup = (): unknown[] => signalled.mock.calls.filter(([pid]) => pid === -main);
    expect(toGroup()).toEqual([[-main, 'SIGKILL']]);
    stop.abort();
    await expect(ending).rejects.toThrow('was stopped');
    expect(toGroup()).toHaveLength(1);
    process.kill(left, 'SIGKILL');
    await expectGone(left);
  });

  it('tells its output and how it ended', async () => {
    expect(await sh('echo out; echo err >&2; exit 3')).toEqual({
      exit: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await sh('kill -9 $$')).toMatchObject({ exit: null, signal: 'SIGKILL' });
  });

  it('gets no input, the environment given and no other, and the root folder', async () => {
    const { stdout } = await sh('cat; env | cut -d= -f1 | sort | tr "\\n" " "; pwd');
    expect(stdout).toBe('FOLDER PATH PWD /\n');
  });

  it('gets each argument as it is', async () => {
    const env = { PATH: '/usr/bin:/bin' };
    const signal = AbortSignal.timeout(20_000);
    const argument = '$(touch /x); `id` "a b" *';
    const result = await runProgram(['/bin/echo', argument], { env, maxBytes: 1000, signal });
    expect(result.stdout).toBe(`${argument}\n`);
  });

  it('is ended when it prints too much, on either stream', async () => {
    await expect(sh('yes')).rejects.toThrow('printed more than 10000 bytes');
    await expect(sh('yes >&2')).rejects.toThrow('printed more than 10000 bytes');
  });

  it('is ended with its children when its time is over', async () => {
    const abort = new AbortController();
    const running = sh('echo $$ >$FOLDER/parent; sleep 600 & echo $! >$FOLDER/child; trap "" TERM; wait', abort.signal);
    const pids = [await writtenPid('parent'), await writtenPid('child')];
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);
    abort.abort();
    await expect(running).rejects.toThrow('was stopped');
    await Promise.all(pids.map(expectGone));
  });

  it('does not leave behind what it put into the background, nor waits for it', async () => {
    const { stdout } = await sh('sleep 600 & echo $! >$FOLDER/child; echo done');
    expect(stdout).toBe('done\n');
    await expectGone(await writtenPid('child'));
  });

  it('is not waited for when something that left its group holds its output', async () => {
    const abort = new AbortController();
    const running = sh('setsid sh -c "echo \\$\\$ >$FOLDER/escaped; sleep 600" & sleep 600', abort.signal);
    const escaped = await writtenPid('escaped');
    try {
      abort.abort();
      await expect(running).rejects.toThrow('was stopped');
    } finally {
      process.kill(-escaped, 'SIGKILL');
    }
  });

  it('is not started for nobody', async () => {
    await expect(sh('echo $$ >$FOLDER/started', AbortSignal.abort())).rejects.toThrow('was stopped');
    await expect(readFile(join(folder, 'started'))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['is not there', '/no/such/program'],
    ['is a folder', '/tmp'],
  ])('that %s is a reason, not a crash', async (_, path) => {
    const signal = AbortSignal.timeout(20_000);
    await expect(runProgram([path], { env: {}, maxBytes: 10, signal })).rejects.toThrow("can't be run");
  });
});
