/** What silence means: of a node that wakes up late, and of a bus that goes away in the middle of a command. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import type { Child } from '../support/child-process.ts';
import { LIMITS } from '../../shared/limits.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

describe('silence', () => {
  let fleet: EmbeddedFleet;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ web1: {}, web2: {} });
  });
  afterAll(() => fleet.stop());

  const marker = (name: string): string => join(fleet.cli.folder, name);

  it('of a node that wakes up when nobody waits any more is no start: it refuses what it slept through', async () => {
    const before = (await fleet.counters('web1'))['refused-too-late'] ?? 0;
    const { pid } = fleet.node('web1');
    process.kill(pid, 'SIGSTOP');
    let report: Report;
    try {
      report = await fleet.report('exec', '--node', 'web1', '--ack-timeout', '200ms', '--', 'touch', marker('late'));
      const tooLate = Date.now() + LIMITS.startSlackMs;
      await waitFor(() => Date.now() > tooLate, { what: 'the time to start to be over' });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(report.nodes).toMatchObject([
      {
        state: 'unreachable',
        provisional: true,
        reason: expect.stringContaining('it may still start until') as string,
      },
    ]);
    await waitFor(async () => ((await fleet.counters('web1'))['refused-too-late'] ?? 0) > before, {
      what: 'the node to refuse what came too late',
    });
    expect(existsSync(marker('late'))).toBe(false);
  });

  it('of the bus ends a command at once, with what is true of each node', async () => {
    const start = (name: string, ...args: string[]): Promise<Child> =>
      fleet.cli.start(['exec', ...args, '-o', 'json', '--shell', '--', `touch ${marker(name)}; exec sleep 1000`], {
        holdsStdin: true,
      });
    const [cli, batched] = await Promise.all([
      start('started', '--node', 'web1'),
      start('batched', '--all', '--batch', '1'),
    ]);
    try {
      const both = (): boolean => existsSync(marker('started')) && existsSync(marker('batched'));
      await waitFor(both, { what: 'the node to have started both' });
      process.kill(fleet.state.natsPid, 'SIGKILL');
      expect(await Promise.all([cli.ended, batched.ended])).toMatchObject([{ code: 5 }, { code: 5 }]);
    } finally {
      await Promise.all([cli.stop(), batched.stop()]);
    }
    const { nodes, open } = JSON.parse(batched.stdout()) as Report;
    expect([...nodes, ...(open ?? [])]).toMatchObject([
      { node: 'web1', reason: expect.stringContaining('when the bus was lost') as string },
      { node: 'web2', is: 'to-come', reason: expect.stringContaining('a service goes on with it') as string },
    ]);
    const report = JSON.parse(cli.stdout()) as Report;
    expect(report).toMatchObject({ exit: 5, expected: 1 });
    // Whether it had acknowledged is a matter of 100 ms.
    expect([...report.nodes, ...(report.open ?? [])]).toMatchObject([
      { node: 'web1', reason: expect.stringContaining('when the bus was lost') as string },
    ]);
    expect(report.states.lost).toBeUndefined();
    expect(cli.stderr()).toContain(
      `The bus was lost: the connection to the bus has ended. The job goes on: fleet job follow ${report.job}`,
    );
  });
});
