import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runningChildren, startChild } from '../../support/child-process.ts';
import { waitFor } from '../../support/wait-for.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..', '..');

describe('startChild', () => {
  it('keeps both streams, the exit code, and what was given to read', async () => {
    const child = await startChild('sh', ['-c', 'cat; echo problem >&2; exit 3'], { stdin: 'input\n' });
    expect(await child.ended).toEqual({ code: 3, signal: null });
    expect([child.stdout(), child.stderr()]).toEqual(['input\n', 'problem\n']);
  });

  it('ends the whole group, also a member that takes no TERM', async () => {
    const child = await startChild('sh', ['-c', `sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done'`]);
    const member = await waitFor(() => Number(child.stdout()), { what: 'the member to start' });
    await child.stop(50);
    await waitFor(() => !isAlive(member), { what: 'the member to end' });
    expect(runningChildren()).not.toContain(child);
  });

  it('rejects when there is no such program', async () => {
    await expect(startChild('/no/such/program')).rejects.toThrow(/ENOENT/);
  });
});

describe('a test file that leaves a program running', () => {
  let folder = '';

  beforeEach(async () => {
    // Inside the checkout, where vitest and its packages are found.
    await mkdir(join(CHECKOUT, '.cache'), { recursive: true });
    folder = await mkdtemp(join(CHECKOUT, '.cache', 'leaky-'));
    const support = join(CHECKOUT, 'test', 'support');
    await writeFile(
      join(folder, 'leaky.test.ts'),
      `import { writeFileSync } from 'node:fs';
       import { it } from 'vitest';
       import { startChild } from '${join(support, 'child-process.ts')}';
       it('leaks', async () => {
         const child = await startChild('sleep', ['600']);
         writeFileSync('${join(folder, 'pid')}', String(child.pid));
         if (process.env.LEAKY === 'hang') await new Promise((resolve) => setTimeout(resolve, 60_000));
       }, 70_000);`,
    );
    await writeFile(
      join(folder, 'vitest.config.ts'),
      `export default { test: { include: ['*.test.ts'], setupFiles: ['${join(support, 'end-of-test.ts')}'] } };`,
    );
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const start = (env: Record<string, string>) =>
    startChild(join(CHECKOUT, 'node_modules', '.bin', 'vitest'), ['run', '--root', folder, '--pool', 'forks'], {
      cwd: folder,
      env: { ...process.env, ...env },
    });
  const leaked = (): Promise<number> =>
    waitFor(async () => Number(await readFile(join(folder, 'pid'), 'utf8')), {
      what: 'the leaky test to start its program',
      timeoutMs: 20_000,
    });

  it('fails for it, and the program is ended', async () => {
    const run = await start({});
    const pid = await leaked();
    expect((await run.ended).code).toBe(1);
    expect(run.output()).toContain('left running: sleep 600');
    expect(isAlive(pid)).toBe(false);
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('has it ended when the runner gets a %s', async (signal) => {
    const run = await start({ LEAKY: 'hang' });
    const pid = await leaked();
    run.kill(signal);
    await run.ended;
    await waitFor(() => !isAlive(pid), { what: 'the left program to end', timeoutMs: 20_000 });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
