/** The bus is killed, and started again at once, or after a minute, while a command runs on every node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { FaultFleet } from '../support/fault-fleet.ts';
import { truthOf, untilRunning, Work } from '../support/fault-work.ts';
import { noTestNetwork } from '../support/test-network.ts';
import { waitFor } from '../support/wait-for.ts';

const NODES = ['db1', 'db2', 'web1'];
const MINUTE_MS = 60_000;

const missing = noTestNetwork();
describe.skipIf(missing !== undefined)(`the bus is gone${missing === undefined ? '' : ` (${missing})`}`, () => {
  let fleet: FaultFleet;
  beforeAll(async () => {
    fleet = await FaultFleet.start({ nodes: NODES });
  });
  afterAll(() => fleet?.stop());

  it('for a moment: the command line, too, goes on as if nothing had been', async () => {
    const work = new Work(fleet, 'moment');
    const cli = await fleet.cli.start(['exec', '--all', '-o', 'json', ...work.words]);
    await untilRunning(work, NODES);
    await fleet.signal('bus1', 'SIGKILL');
    await fleet.startServer('bus1');
    work.release();
    await cli.ended;
    const { job } = JSON.parse(cli.stdout()) as Report;
    const truth = await truthOf(fleet, job ?? '', work);
    for (const node of NODES) expect(truth[node]).toMatchObject({ state: 'ok', ran: 1 });
  });

  it('for a minute: what ended meanwhile waits on its node, and is there when the bus is', async () => {
    const [ending, lasting] = [new Work(fleet, 'ending'), new Work(fleet, 'lasting')];
    const both = await Promise.all(
      [ending, lasting].map((work) => fleet.cli.start(['exec', '--all', '-o', 'json', ...work.words])),
    );
    await Promise.all([ending, lasting].map((work) => untilRunning(work, NODES)));
    await fleet.signal('bus1', 'SIGKILL');
    const back = Date.now() + MINUTE_MS;
    ending.release();
    expect(await Promise.all(both.map(({ ended }) => ended))).toMatchObject([{ code: 5 }, { code: 5 }]);
    const jobs = both.map((cli) => (JSON.parse(cli.stdout()) as Report).job ?? '');
    for (const [at, cli] of both.entries()) expect(cli.stderr()).toContain(`fleet job follow ${jobs[at]}`);
    await waitFor(() => Date.now() > back, { what: 'the minute to be over', timeoutMs: 2 * MINUTE_MS, everyMs: 500 });
    await fleet.startServer('bus1');
    lasting.release();
    for (const [at, work] of [ending, lasting].entries()) {
      const truth = await truthOf(fleet, jobs[at] ?? '', work);
      for (const node of NODES) expect(truth[node]).toMatchObject({ state: 'ok', ran: 1 });
    }
  });
});
