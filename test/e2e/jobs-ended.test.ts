/** How a job ended whose command line is gone: a service writes it down, once; who is still there does it itself. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeJobFrame, type JobFrame } from '../../shared/wire/job.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import type { Report } from '../../controller/report.ts';
import { BatchTrial } from '../support/batch-trial.ts';
import { tapBus } from '../support/bus-tap.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { withServices } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

interface Listed {
  readonly job: string;
  readonly state: string;
  readonly states: unknown;
  readonly exit: number | null;
  readonly ended: string | null;
}

describe('the end of a job', () => {
  let fleet: EmbeddedFleet;
  let course: BatchTrial;
  const children: Child[] = [];
  let trials = 0;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: {}, web1: {} });
  });
  afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())));
  afterAll(() => fleet?.stop());

  const trial = (): BatchTrial => (course = new BatchTrial(join(fleet.cli.folder, `ended${++trials}`)));
  const newest = async (): Promise<Listed> => {
    const { jobs } = await fleet.cli.json<{ jobs: Listed[] }>('job', 'list');
    const found = jobs.toSorted((one, other) => (one.job < other.job ? -1 : 1)).at(-1);
    if (found === undefined) throw new Error('there is no job');
    return found;
  };
  /** When somebody has said that it ended. */
  const ended = (): Promise<Listed> =>
    waitFor(
      async () => {
        const job = await newest();
        return job.ended === null ? undefined : job;
      },
      { what: 'the end to be in the record', timeoutMs: 60_000 },
    );
  const framesOf = async (job: string): Promise<JobFrame[]> => {
    const bus = await tapBus(fleet, 'STORE');
    try {
      const jsm = await bus.jetstreamManager();
      const { state } = await jsm.streams.info('FLEET_main_JOBS');
      const frames: JobFrame[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const { data, subject } = await jsm.streams.getMessage('FLEET_main_JOBS', { seq });
        if (subject.startsWith('fleet.main.job.') && subject.endsWith(`.${job}`))
          frames.push(decodeJobFrame(parseEnvelope(data)[1]));
      }
      return frames;
    } finally {
      await bus.close();
    }
  };
  const start = async (): Promise<Child> => {
    const child = await fleet.cli.start(['exec', '--all', ...course.script], { holdsStdin: true });
    children.push(child);
    return child;
  };

  it('is written down by one service of two when the command line was killed', () =>
    withServices(fleet, ['one', 'two'], async (...services) => {
      trial().hold('web1');
      const cli = await start();
      await waitFor(() => course.started().length === 2, { what: 'both to run' });
      cli.kill('SIGKILL');
      await cli.ended;
      expect(await newest()).toMatchObject({ ended: null });
      course.release('web1');
      const job = await ended();
      expect(job).toMatchObject({ state: 'ended', exit: 0, states: { ok: 2 } });
      const frames = await framesOf(job.job);
      expect(frames.map(({ type }) => type)).toEqual(['begun', 'ended']);
      expect(['one', 'two']).toContain(frames[1]?.by);
      const metrics = await Promise.all(services.map((service) => service.metrics()));
      expect(metrics.reduce((sum, one) => sum + (one.get('fleet_jobs_ended_total') ?? 0), 0)).toBe(1);
    }));

  it('is written down for one that was only handed over, also while no service was there', async () => {
    trial().fail('web1');
    const accepted = await fleet.run('exec', '--all', '--detach', ...course.script);
    expect(accepted.exit).toBe(0);
    await waitFor(() => course.ended('web1') && course.ended('db1'), { what: 'both to end' });
    expect(await newest()).toMatchObject({ ended: null });
    const job = await withServices(fleet, ['one'], () => ended());
    expect(job).toMatchObject({ state: 'ended', exit: 3, states: { ok: 1, failed: 1 } });
    const { stdout } = await fleet.run('job', 'show', job.job, '-o', 'json');
    expect(JSON.parse(stdout) as Report).toMatchObject({ exit: 3, record: { over: true, running: [] } });
  });

  it('is said by the command line itself while it is there', () =>
    withServices(fleet, ['one'], async (service) => {
      trial();
      const { exit } = await fleet.run('exec', '--all', ...course.script);
      expect(exit).toBe(0);
      await waitFor(async () => (await service.metrics()).get('fleet_jobs_open') === 0, { what: 'no job to be open' });
      const frames = await framesOf((await newest()).job);
      expect(frames.map(({ by, type }) => [type, by])).toEqual([['begun', undefined], ['ended', undefined]]); // prettier-ignore
      expect((await service.metrics()).get('fleet_jobs_ended_total')).toBeUndefined();
    }));
});
