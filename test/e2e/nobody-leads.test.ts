/** A batch whose command line was killed, and no service there: everybody who looks is told, and what to do. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { BatchTrial } from '../support/batch-trial.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ n1: {}, n2: {}, n3: {} });
});
afterAll(() => fleet?.stop());

it('has nodes that wait for their turn, says that nobody gives it to them, and ends when it is cancelled', async () => {
  const course = new BatchTrial(join(fleet.cli.folder, 'nobody'));
  course.hold('n1');
  const cli = await fleet.cli.start(['exec', '--all', '--batch', '1', ...course.script], { holdsStdin: true });
  await waitFor(() => course.started().length === 1, { what: 'the first to run' });
  const { jobs } = await fleet.cli.json<{ jobs: { job: string }[] }>('job', 'list');
  const job = jobs[0]?.job ?? '';
  const show = async (): Promise<Report> =>
    JSON.parse((await fleet.run('job', 'show', job, '-o', 'json')).stdout) as Report;
  expect((await show()).record).toMatchObject({ running: ['n1'], planned: { nodes: ['n2', 'n3'], isLed: true } });
  expect((await fleet.run('job', 'list')).stdout).not.toContain('nobody leads');

  cli.kill('SIGKILL');
  await cli.ended;
  expect((await show()).record).toMatchObject({
    over: false,
    running: ['n1'],
    planned: { nodes: ['n2', 'n3'], isLed: false },
  });
  expect((await fleet.run('job', 'list')).stdout).toContain('2 nodes wait for their turn, nobody leads');
  expect((await fleet.run('job', 'show', job)).stderr).toMatch(/Nobody leads this job: n2, ?n3|n\[2-3\]/);

  const follow = await fleet.cli.start(['job', 'follow', job], { holdsStdin: true });
  await waitFor(() => follow.stderr().includes('Nobody leads this job'), { what: 'to be told that nobody leads' });
  expect(follow.stderr()).toMatch(/fleet serve/);
  expect(follow.stderr()).toContain(`fleet job cancel ${job}`);
  course.release('n1');
  await waitFor(() => course.ended('n1'), { what: 'what was started to end' });
  expect(follow.isRunning()).toBe(true);
  await fleet.run('job', 'cancel', job);
  await follow.ended;
  const report = await show();
  expect(report).toMatchObject({ states: { ok: 1, skipped: 2 }, record: { over: true } });
  expect(report.record?.planned).toBeUndefined();
  expect(course.started()).toEqual(['n1']);
});
