/** Ctrl-C: at every point of a command it ends at once, says what is known, and 130 is the exit code. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { noTerminal, startAtTerminal } from '../support/terminal.ts';
import { waitFor } from '../support/wait-for.ts';

const INTERRUPTED = 130;

describe('an interrupt', () => {
  let fleet: EmbeddedFleet;
  const children: Child[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ web1: {}, web2: {} });
  });
  afterEach(async () => {
    process.kill(fleet.state.natsPid, 'SIGCONT');
    await Promise.all(children.splice(0).map((child) => child.stop()));
  });
  afterAll(() => fleet.stop());

  const start = async (...args: string[]): Promise<Child> => {
    const child = await fleet.cli.start(args, { holdsStdin: true });
    children.push(child);
    return child;
  };
  const busPort = (): number => Number(new URL(fleet.state.server).port);
  const marker = (name: string): string => join(fleet.cli.folder, name);
  const written = (path: string): Promise<unknown> => waitFor(() => existsSync(path), { what: `${path} to be there` });

  it('while a node runs something leaves it to run, and gives it no final state', async () => {
    const [started, release, ended] = [marker('started'), marker('release'), marker('ended')];
    const script = `if [ "$FLEET_EMBEDDED_NODE" = "${fleet.state.mark}/web1" ]; then
      touch ${started}; until [ -e ${release} ]; do sleep 0.1; done; touch ${ended}; fi`;
    const cli = await start('exec', '--all', '-o', 'ndjson', '--live', '--shell', '--', `echo here; ${script}`);
    const heard = (): boolean => ['"node":"web2","state"', '"type":"output","node":"web1"'].every((text) => cli.stdout().includes(text)); // prettier-ignore
    await Promise.all([written(started), waitFor(heard, { what: 'an answer of web2, and output of web1' })]);
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: INTERRUPTED });
    const lines = cli.stdout().trimEnd().split('\n');
    const objects = lines.map((line) => JSON.parse(line) as { readonly type: string });
    expect(objects.filter(({ type }) => type !== 'output')).toMatchObject([
      { type: 'node', node: 'web2', state: 'ok' },
      {
        type: 'summary',
        exit: INTERRUPTED,
        expected: 2,
        states: { ok: 1 },
        open: [{ node: 'web1', is: 'running', reason: 'had not ended when the wait was interrupted' }],
      },
    ]);
    expect(cli.stderr()).toContain('1 node: 1 ok · 1 still running');
    expect(cli.stderr()).toMatch(
      /Detached: 1 node is not waited for any more\. The job goes on: fleet job follow \w{26}\n/,
    );
    expect(existsSync(ended)).toBe(false);
    await fleet.run('exec', '--node', 'web2', '--', 'touch', release);
    await written(ended);
  });

  it.each(['ping', 'inventory', 'task list', 'run --all anything', 'exec --all -- true'])(
    'while the bus does not answer ends `%s`',
    async (line) => {
      process.kill(fleet.state.natsPid, 'SIGSTOP');
      const cli = await start(...line.split(' '));
      await waitFor(() => isConnected(cli.pid, busPort()), { what: 'a connection to the bus' });
      cli.kill('SIGINT');
      expect(await cli.ended).toEqual({ code: INTERRUPTED, signal: null });
      expect(cli.stderr()).toBe('fleet: interrupted\n');
      expect(cli.stdout()).toBe('');
    },
  );

  it('while standard input is read sends nothing', async () => {
    const before = (await fleet.counters('web1'))['accepted'] ?? 0;
    const cli = await start('exec', '--all', '--stdin', '--', 'cat');
    cli.write('half');
    await waitFor(() => isConnected(cli.pid, busPort()), { what: 'a connection to the bus' });
    cli.kill('SIGINT');
    expect(await cli.ended).toEqual({ code: INTERRUPTED, signal: null });
    expect((await fleet.counters('web1'))['accepted']).toBe(before + 1);
  });

  it.skipIf(noTerminal() !== undefined)('at the question sends nothing, as a key and as a signal', async () => {
    for (const interrupt of [
      (child: Child) => child.write('\u0003'),
      (child: Child) => process.kill(programOf(child.pid), 'SIGINT'),
    ]) {
      const cli = await startAtTerminal(fleet.cli, ['exec', '--', 'touch', marker('asked')]);
      children.push(cli);
      await waitFor(() => cli.output().includes('[y/N]'), { what: 'the question' });
      interrupt(cli);
      expect(await cli.ended).toMatchObject({ code: INTERRUPTED });
      expect(cli.output()).toContain('fleet: interrupted; nothing was sent');
    }
    await fleet.run('ping');
    expect(existsSync(marker('asked'))).toBe(false);
  });
});

/** Whether the process holds a connection to this port of the loopback. */
function isConnected(pid: number, port: number): boolean {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  const inodes = rows.filter((row) => (row[2] ?? '').endsWith(remote) && row[3] === '01').map((row) => row[9]);
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  return readdirSync(`/proc/${pid}/fd`).some((file) => links.has(readlinkSync(`/proc/${pid}/fd/${file}`)));
}

/** script(1) runs it as its only child. */
function programOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}
