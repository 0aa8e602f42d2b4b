/**
 * Batches go on without their terminal: whoever leads is killed, stopped or cut off from the bus, and a service goes on by
 * the record. The witnesses are files that the nodes write to: each ran once, no more at once than the window, and nothing
 * after more failures than may be.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { BatchTrial } from '../support/batch-trial.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { startService, type RunningService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
const PATIENCE = { timeoutMs: 60_000 };

describe('a batch whose command line is gone', () => {
  let fleet: EmbeddedFleet;
  let services: RunningService[] = [];
  const children: Child[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet(Object.fromEntries(NODES.map((name) => [name, {}])));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    await Promise.all(services.filter(({ child }) => child.isRunning()).map(({ child }) => child.stop()));
    services = [];
  });
  afterAll(() => fleet.stop());

  let trials = 0;
  const trial = (): BatchTrial => new BatchTrial(join(fleet.cli.folder, `led${++trials}`));
  const serve = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) services.push(await startService(fleet, name));
    for (const service of services) await service.ready();
  };
  const start = async (...args: readonly string[]): Promise<Child> => {
    const child = await fleet.cli.start(['exec', '--all', '--ack-timeout', '10s', ...args], { holdsStdin: true });
    children.push(child);
    return child;
  };
  const kill = async (child: Child): Promise<void> => {
    child.kill('SIGKILL');
    await child.ended;
  };
  const leads = async (service: RunningService): Promise<boolean> =>
    service.child.isRunning() && (await service.metrics()).get('fleet_batches_led') === 1;
  const leader = (): Promise<RunningService> =>
    waitFor(
      async () => {
        for (const service of services) if (await leads(service)) return service;
        return undefined;
      },
      { what: 'a service to lead it', ...PATIENCE },
    );
  const newestJob = async (): Promise<string> => {
    const { jobs } = await fleet.cli.json<{ jobs: { job: string }[] }>('job', 'list');
    return jobs.map(({ job }) => job).toSorted().at(-1) ?? ''; // prettier-ignore
  };
  const ended = (job: string): Promise<Report> =>
    waitFor(
      async () => {
        const { stdout } = await fleet.run('job', 'show', job, '-o', 'json');
        const report = JSON.parse(stdout) as Report;
        return report.record?.ended === null ? undefined : report;
      },
      { what: 'the end to be in the record', ...PATIENCE },
    );
  const statesOf = ({ nodes }: Report): unknown => Object.fromEntries(nodes.map(({ node, state }) => [node, state]));
  const ALL_OK = Object.fromEntries(NODES.map((node) => [node, 'ok']));

  it('is led to its end by a service: each node once, no more at once than its window', async () => {
    await serve('one');
    const course = trial();
    course.hold('n1', 'n2', 'n4');
    const cli = await start('--batch', '2', ...course.script);
    await waitFor(() => course.started().length === 2, { what: 'the first two to run' });
    expect(cli.stderr()).toContain('The service one goes on with it');
    await kill(cli);
    await leader();
    course.release('n1', 'n2');
    await waitFor(() => course.started().includes('n4'), { what: 'a turn that a service gave', ...PATIENCE });
    course.release('n4');
    const report = await ended(await newestJob());
    expect([report.exit, statesOf(report)]).toEqual([0, ALL_OK]);
    expect(course.started().toSorted()).toEqual(NODES);
    expect(course.mostUnderWay()).toBeLessThanOrEqual(2);
  });

  it('stops where it would have: failures before and after count together, and the rest is skipped', async () => {
    await serve('one');
    const course = trial();
    course.fail('n1', 'n2');
    course.hold('n2');
    const cli = await start('--batch', '1', '--max-failures', '1', ...course.script);
    await waitFor(() => course.started().includes('n2'), { what: 'the second to run' });
    await kill(cli);
    await leader();
    course.release('n2');
    const report = await ended(await newestJob());
    expect(report).toMatchObject({ exit: 4, states: { failed: 2, skipped: 4 } });
    expect(report.nodes.find(({ node }) => node === 'n5')).toMatchObject({ code: 'failure-limit' });
    expect(course.started()).toEqual(['n1', 'n2']);
  });

  it('is led on by another service when the first is killed, too', async () => {
    await serve('one', 'two');
    const course = trial();
    course.hold('n1', 'n3');
    await kill(await waitFor(async () => start('--batch', '1', ...course.script), { what: 'the command line' }).then(async (cli) => {
      await waitFor(() => course.started().length === 1, { what: 'the first to run' });
      return cli;
    })); // prettier-ignore
    const first = await leader();
    course.release('n1');
    await waitFor(() => course.started().includes('n3'), { what: 'a turn that a service gave', ...PATIENCE });
    const diedAt = Date.now();
    await kill(first.child);
    const second = await leader();
    console.log(`another service led ${((Date.now() - diedAt) / 1000).toFixed(1)} s after the first was killed`);
    expect(second).not.toBe(first);
    course.release('n3');
    const report = await ended(await newestJob());
    expect([report.exit, statesOf(report)]).toEqual([0, ALL_OK]);
    expect(course.lines()).toEqual(NODES.flatMap((node) => [`start ${node}`, `end ${node}`]));
  });

  it('goes on when the bus was away from all who could lead it', async () => {
    await serve('one', 'two');
    const course = trial();
    course.hold('n1');
    const cli = await start('--batch', '1', ...course.script);
    await waitFor(() => course.started().length === 1, { what: 'the first to run' });
    await kill(cli);
    await leader();
    const job = await newestJob();
    await fleet.endBus();
    course.release('n1');
    await fleet.startBus();
    const report = await waitFor(() => ended(job).catch(() => undefined), { what: 'the end', ...PATIENCE });
    expect([report.exit, statesOf(report)]).toEqual([0, ALL_OK]);
    expect(course.lines()).toEqual(NODES.flatMap((node) => [`start ${node}`, `end ${node}`]));
  });

  it('is followed by a command line that was stopped meanwhile, and leads it no more', async () => {
    await serve('one');
    const course = trial();
    course.hold('n1', 'n3');
    const cli = await start('--batch', '1', '-o', 'json', ...course.script);
    await waitFor(() => course.started().length === 1, { what: 'the first to run' });
    cli.kill('SIGSTOP');
    await leader();
    course.release('n1');
    await waitFor(() => course.started().includes('n3'), { what: 'a turn that a service gave', ...PATIENCE });
    cli.kill('SIGCONT');
    course.release('n3');
    expect(await cli.ended).toMatchObject({ code: 0 });
    expect(statesOf(JSON.parse(cli.stdout()) as Report)).toEqual(ALL_OK);
    expect(course.lines()).toEqual(NODES.flatMap((node) => [`start ${node}`, `end ${node}`]));
  });

  it('goes on after Ctrl-C where a service is there, which is said', async () => {
    await serve('one');
    const course = trial();
    course.hold('n1');
    const cli = await start('--batch', '1', ...course.script);
    await waitFor(() => course.started().length === 1, { what: 'the first to run' });
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: 130 });
    expect(cli.stderr()).toContain('5 still to come');
    expect(cli.output()).not.toContain('skipped');
    expect(cli.stderr()).toContain('the service one goes on with the 5 nodes that have not had a turn.');
    course.release('n1');
    expect(statesOf(await ended(await newestJob()))).toEqual(ALL_OK);
    expect(course.started()).toEqual(NODES);
  });

  it('may be handed over at once, where a service is there', async () => {
    const course = trial();
    const alone = await fleet.run('exec', '--all', '--batch', '1', '--detach', ...course.script);
    expect([alone.exit, alone.stderr]).toEqual([2, expect.stringContaining('no service is there to do it')]);
    await serve('one');
    const detached = await fleet.run('exec', '--all', '--batch', '1', '--detach', ...course.script);
    expect([detached.exit, detached.stderr]).toEqual([0, expect.stringContaining('The service one leads it')]);
    const followed = await fleet.report('job', 'follow', detached.stdout.trim());
    expect([followed.exit, statesOf(followed)]).toEqual([0, ALL_OK]);
    expect(course.started()).toEqual(NODES);
  });

  it('and that was interrupted without a service is over when what was started is: the record says so', async () => {
    const course = trial();
    course.hold('n2');
    const cli = await start('--batch', '1', ...course.script);
    await waitFor(() => course.started().includes('n2'), { what: 'the second to run' });
    cli.kill('SIGINT');
    await cli.ended;
    const job = await newestJob();
    const shown = await fleet.report('job', 'show', job);
    expect(shown.record?.running).toEqual(['n2']);
    expect(shown.states).toEqual({ ok: 1, skipped: 4 });
    // A service that comes later starts nothing of it.
    await serve('one');
    course.release('n2');
    expect(await ended(job)).toMatchObject({ states: { ok: 2, skipped: 4 } });
    expect(course.started()).toEqual(['n1', 'n2']);
  });
});
