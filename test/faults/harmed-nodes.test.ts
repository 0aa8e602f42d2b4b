/** One node that is stopped, two whose clocks are wrong, one whose disk is full, and one that is well, under the same commands. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeResult, Report } from '../../controller/report.ts';
import { LIMITS } from '../../shared/limits.ts';
import { FaultFleet } from '../support/fault-fleet.ts';
import { truthOf, untilRunning, Work } from '../support/fault-work.ts';
import { noTestNetwork } from '../support/test-network.ts';
import { waitFor } from '../support/wait-for.ts';

const NODES = ['stopped', 'ahead', 'behind', 'full', 'well'];
const TEN_MINUTES_MS = 10 * 60_000;

const missing = noTestNetwork();
describe.skipIf(missing !== undefined)(`nodes that are harmed${missing === undefined ? '' : ` (${missing})`}`, () => {
  let fleet: FaultFleet;
  beforeAll(async () => {
    fleet = await FaultFleet.start({
      nodes: NODES,
      clocks: { ahead: TEN_MINUTES_MS, behind: -TEN_MINUTES_MS },
      stateSize: { full: '8m' },
    });
  });
  afterAll(() => fleet?.stop());

  const resultOf = ({ nodes }: Report, name: string): NodeResult | undefined => nodes.find(({ node }) => node === name);
  const exec = (work: Work, nodes: readonly string[], ...options: string[]): Promise<Report> =>
    fleet.cli.json<Report>('exec', ...nodes.flatMap((node) => ['--node', node]), ...options, ...work.words);

  it('a clock that is ten minutes off refuses, and says what both clocks say', async () => {
    const work = new Work(fleet, 'clocks');
    work.release();
    const report = await exec(work, ['ahead', 'behind', 'well']);
    expect(report).toMatchObject({ exit: 3, states: { ok: 1, refused: 2 } });
    for (const [node, code, aheadMs] of [
      ['behind', 'clock-skew', -TEN_MINUTES_MS],
      ['ahead', 'too-late', TEN_MINUTES_MS],
    ] as const) {
      const result = resultOf(report, node);
      expect(result).toMatchObject({ state: 'refused', code });
      const [, signed = '', here = ''] = /one of the clocks is off: it was signed at (\S+), and it is (\S+) here/.exec(result?.reason ?? '') ?? []; // prettier-ignore
      // To the second, and the command took a moment to get there.
      const minutes = Math.round((Date.parse(here) - Date.parse(signed)) / 60_000);
      expect(minutes).toBe(aheadMs / 60_000);
    }
    const truth = await truthOf(fleet, report.job ?? '', work, ['ahead', 'behind', 'well']);
    expect(Object.values(truth).map(({ ran }) => ran)).toEqual([0, 0, 1]);
  });

  it('an agent that is stopped and goes on has its answer, and starts nothing that it slept through', async () => {
    const [running, sent] = [new Work(fleet, 'slept-on'), new Work(fleet, 'slept-through')];
    const targets = ['stopped', 'well'];
    const nodes = targets.flatMap((node) => ['--node', node]);
    const cli = await fleet.cli.start(['exec', ...nodes, '-o', 'json', ...running.words]);
    await untilRunning(running, targets);
    await fleet.signal('stopped', 'SIGSTOP');
    running.release();
    sent.release();
    const second = await exec(sent, targets, '--ack-timeout', '1s');
    expect(resultOf(second, 'stopped')).toMatchObject({ state: 'unreachable', provisional: true });
    await cli.ended;
    const first = JSON.parse(cli.stdout()) as Report;
    expect(first).toMatchObject({ exit: 3, states: { ok: 1 } });
    const tooLate = Date.now() + LIMITS.startSlackMs;
    await waitFor(() => Date.now() > tooLate, { what: 'the time to start to be over' });
    await fleet.signal('stopped', 'SIGCONT');
    const truth = await truthOf(fleet, first.job ?? '', running, targets);
    expect(truth['stopped']).toMatchObject({ state: 'ok', ran: 1 });
    const later = await truthOf(fleet, second.job ?? '', sent, targets);
    expect(later['stopped']).toMatchObject({ ran: 0 });
  });

  it('a full disk refuses what it could not remember, ends what runs, and is well again when there is room', async () => {
    const state = join(fleet.nodeFolder('full'), 'state');
    const targets = ['full', 'well'];
    const running = new Work(fleet, 'under-way');
    const all: { work: Work; report: Report }[] = [];
    const untilAnswer = (wanted: string): Promise<(typeof all)[number]> =>
      waitFor(
        async () => {
          const work = new Work(fleet, `try-${all.length}`);
          work.release();
          const tried = { work, report: await exec(work, targets) };
          all.push(tried);
          return resultOf(tried.report, 'full')?.state === wanted && tried;
        },
        { what: `the node to answer ${wanted}`, timeoutMs: 60_000 },
      );
    const nodes = targets.flatMap((node) => ['--node', node]);
    const cli = await fleet.cli.start(['exec', ...nodes, '-o', 'json', ...running.words]);
    await untilRunning(running, targets);
    const filler = join('/proc', String(fleet.program('full').pid), 'root', state, 'filler');
    fillUp(filler);
    // What there is has a little room left in its last page.
    const refused = await untilAnswer('refused');
    expect(resultOf(refused.report, 'full')).toMatchObject({ state: 'refused', code: 'cannot-record' });
    expect(refused.report).toMatchObject({ states: { ok: 1, refused: 1 } });
    running.release();
    await cli.ended;
    const report = JSON.parse(cli.stdout()) as Report;
    expect(report).toMatchObject({ exit: 0, states: { ok: 2 } });
    const truth = await truthOf(fleet, report.job ?? '', running, targets);
    expect(truth['full']).toMatchObject({ state: 'ok', ran: 1 });
    rmSync(filler);
    await untilAnswer('ok');
    for (const { report: each, work } of all) await truthOf(fleet, each.job ?? '', work, targets);
  });
});

/** To the last byte. */
function fillUp(file: string): void {
  writeFileSync(file, '');
  for (let bytes = 1024 * 1024; bytes > 0; bytes = Math.floor(bytes / 2))
    for (;;)
      try {
        writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        break;
      }
}
