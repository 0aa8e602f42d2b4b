/** A bus of three servers, of which one is killed under a command that runs on every node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobStream } from '../../shared/streams.ts';
import type { Report } from '../../controller/report.ts';
import { FaultFleet } from '../support/fault-fleet.ts';
import { truthOf, untilRunning, Work } from '../support/fault-work.ts';
import { noTestNetwork } from '../support/test-network.ts';

const NODES = ['db1', 'db2', 'web1', 'web2'];

const missing = noTestNetwork();
describe.skipIf(missing !== undefined)(
  `of a bus of three servers${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    let fleet: FaultFleet;
    beforeAll(async () => {
      fleet = await FaultFleet.start({ nodes: NODES, servers: 3 });
    });
    afterAll(() => fleet?.stop());

    it('every stream has a copy on each', async () => {
      const streams = await fleet.streams();
      expect(streams.map(({ name }) => name)).toContain(jobStream('main'));
      for (const { name, replicas } of streams) expect([name, replicas]).toEqual([name, 3]);
    });

    it.each(['the leader of the record', 'another'] as const)(
      '%s is killed and comes back, and nothing is lost or done twice',
      async (which) => {
        const { leader } = (await fleet.streams()).find(({ name }) => name === jobStream('main'))!;
        const victim = which === 'another' ? fleet.servers.find((name) => name !== leader)! : leader!;
        const work = new Work(fleet, which.replaceAll(' ', '-'));
        const cli = await fleet.cli.start(['exec', '--all', '-o', 'json', ...work.words]);
        await untilRunning(work, NODES);
        await fleet.signal(victim, 'SIGKILL');
        work.release();
        await cli.ended;
        const report = JSON.parse(cli.stdout()) as Report;
        // Who was connected to it comes back elsewhere; nobody is taken for lost while there is no leader.
        expect(report).toMatchObject({ exit: 0, states: { ok: NODES.length } });
        await truthOf(fleet, report.job ?? '', work);
        // Another command, while it is away.
        const after = new Work(fleet, `after-${which.replaceAll(' ', '-')}`);
        after.release();
        const later = await fleet.cli.json<Report>('exec', '--all', ...after.words);
        expect(later).toMatchObject({ exit: 0, states: { ok: NODES.length } });
        await truthOf(fleet, later.job ?? '', after);
        await fleet.startServer(victim);
      },
      120_000,
    );
  },
);
