/** What the command line writes by itself: to a reader that goes away, and about an option that wasn't its own. */
import { expect, it } from 'vitest';
import { startChild } from '../support/child-process.ts';
import { FLEET_PROGRAM, FleetCli } from '../support/fleet-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cli = (): FleetCli => new FleetCli(temporaryFolder());

it.each(['dev status', 'dev down', 'completion bash', '--help', '--version', 'init --server 127.0.0.1:4222'])(
  'ends `fleet %s` without a word when nobody reads it',
  async (words) => {
    const { env, folder } = cli();
    // The reader has gone before the command begins.
    const script = `{ read -r _ <&3; "$@"; echo "exit $?" >&2; } 3<"$0" | { exec <&-; echo >"$0"; }`;
    const fifo = `${folder}/gone`;
    const child = await startChild(
      'sh',
      ['-c', `mkfifo "$0"; ${script}`, fifo, process.execPath, FLEET_PROGRAM, ...words.split(' ')],
      { cwd: folder, env },
    );
    await child.ended;
    expect(child.stderr()).toBe(words === 'dev status' ? 'exit 6\n' : 'exit 0\n');
  },
);

it('says where the options of a program go', async () => {
  const { exit, stderr } = await cli().run('exec', 'uname', '-r');
  expect(exit).toBe(2);
  expect(stderr).toContain('put that after `--`: fleet exec --all -- PROGRAM ARGUMENTS');
  expect((await cli().run('ping', '-r')).stderr).not.toContain('after `--`');
});

it.each([
  ['2', "--replicas can't be"],
  ['all', "--replicas can't be"],
  ['3', '3 copies need 3 servers, and --server names 1'],
])('refuses --replicas %s for a bus of one server, and makes nothing', async (replicas, words) => {
  const here = cli();
  const { exit, stderr, stdout } = await here.run('init', '--server', 'bus.example.org', '--replicas', replicas);
  expect([exit, stdout]).toEqual([2, '']);
  expect(stderr).toContain(words);
  expect((await here.run('ca', 'list')).stderr).toContain('there is no fleet');
});
