/** Nodes whose packets are dropped, both ways and without a word, with a command running and another one sent meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeResult, Report } from '../../controller/report.ts';
import { LIMITS } from '../../shared/limits.ts';
import { FaultFleet } from '../support/fault-fleet.ts';
import { truthOf, untilRunning, Work } from '../support/fault-work.ts';
import { noTestNetwork } from '../support/test-network.ts';
import { waitFor } from '../support/wait-for.ts';

/** One whose connection outlives the cut, one that has to make another, and one to compare with. */
const NODES = ['brief', 'long', 'well'];

const missing = noTestNetwork();
describe.skipIf(missing !== undefined)(`nodes that are cut off${missing === undefined ? '' : ` (${missing})`}`, () => {
  let fleet: FaultFleet;
  beforeAll(async () => {
    fleet = await FaultFleet.start({ nodes: NODES });
  });
  afterAll(() => fleet?.stop());

  const resultOf = ({ nodes }: Report, name: string): NodeResult | undefined => nodes.find(({ node }) => node === name);
  const lostConnections = (node: string): number =>
    fleet.program(node).stdout().split('"event":"disconnected"').length - 1;

  it('end what they run, run nothing that they were not there for, and bring the answers with them', async () => {
    const [running, sent] = [new Work(fleet, 'running'), new Work(fleet, 'sent')];
    // Says more than fits on the way: a connection that takes nothing any more is let go all the same.
    const loud = new Work(fleet, 'loud', { lines: 20_000 });
    const loudly = await fleet.cli.start(['exec', '--all', ...loud.words]);
    const first = await fleet.cli.start(['exec', '--all', '-o', 'json', ...running.words]);
    await Promise.all([untilRunning(running, NODES), untilRunning(loud, NODES)]);
    await Promise.all([fleet.network.cut('brief'), fleet.network.cut('long')]);
    running.release();
    loud.release();
    sent.release();

    // What is sent now reaches the one that is there.
    const second = await fleet.cli.json<Report>('exec', '--all', '--ack-timeout', '2s', ...sent.words);
    expect(second).toMatchObject({ exit: 3, states: { ok: 1, unreachable: 2 } });
    for (const node of ['brief', 'long'])
      expect(resultOf(second, node)).toMatchObject({ state: 'unreachable', provisional: true });
    await Promise.all([first.ended, loudly.ended]);
    const report = JSON.parse(first.stdout()) as Report;
    expect(report).toMatchObject({ exit: 3, states: { ok: 1 } });
    // Whether it had acknowledged is a matter of 100 ms; either says that it may have run.
    for (const node of ['brief', 'long'])
      expect(resultOf(report, node)?.reason).toMatch(/it may have run|it may still start until/);

    const tooLate = Date.now() + LIMITS.startSlackMs;
    await waitFor(() => Date.now() > tooLate, { what: 'the time to start to be over' });
    await fleet.network.mend('brief');
    await waitFor(() => lostConnections('long') > 0, {
      what: 'a node to notice that it is cut off',
      timeoutMs: 120_000,
    });
    await fleet.network.mend('long');
    const truth = await truthOf(fleet, report.job ?? '', running);
    for (const node of NODES) expect(truth[node]).toMatchObject({ state: 'ok', ran: 1 });
    await truthOf(fleet, second.job ?? '', sent);
    // And they are there again for what comes.
    const after = new Work(fleet, 'after');
    after.release();
    const third = await fleet.cli.json<Report>('exec', '--all', ...after.words);
    expect(third).toMatchObject({ exit: 0 });
    await truthOf(fleet, third.job ?? '', after);
    for (const node of ['brief', 'long']) expect(sent.ran(node)).toBe(0);
    expect(NODES.map((node) => loud.ran(node))).toEqual([1, 1, 1]);
  });
});
