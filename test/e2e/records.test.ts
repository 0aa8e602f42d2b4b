/**
 * Jobs outlive who asked for them: the command line is killed, the bus goes away, an agent dies with an answer that the
 * bus does not have. Each effect happens once, and each outcome arrives, in the node's own words.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { tapBus } from '../support/bus-tap.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

describe('the record of a job', () => {
  let fleet: EmbeddedFleet;
  let trials = 0;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, db2: { facts: { role: 'db' } }, web1: {} });
  });
  afterAll(() => fleet.stop());

  /** A program that leaves a line for each time that it runs, and waits to be let go. */
  function trial(): { script: string[]; ran: () => string[]; release: () => void } {
    const [effects, gate] = ['ran', 'gate'].map((name) => join(fleet.cli.folder, `${name}-${++trials}`));
    const node = '"${FLEET_EMBEDDED_NODE##*/}"';
    const script = `echo ${node} >>${effects}; until [ -e ${gate} ]; do sleep 0.05; done; echo done ${node}`;
    return {
      script: ['--shell', '--', script],
      ran: () => (existsSync(effects!) ? readFileSync(effects!, 'utf8').trim().split('\n').sort() : []),
      release: () => writeFileSync(gate!, ''),
    };
  }
  const statesOf = ({ nodes }: Report): unknown => Object.fromEntries(nodes.map(({ node, state }) => [node, state]));
  const follow = (job: string): Promise<Child> => fleet.cli.start(['job', 'follow', job, '-o', 'json']);
  const runningJobs = async (): Promise<string[]> => {
    const { jobs } = await fleet.cli.json<{ jobs: { job: string }[] }>('job', 'list', '--state', 'running');
    return jobs.map(({ job }) => job);
  };
  /** How often something is stored under what this job's nodes answer. */
  async function storedFor(job: string): Promise<Record<string, number>> {
    const bus = await tapBus(fleet, 'STORE');
    try {
      const { streams } = await bus.jetstreamManager();
      const { state } = await streams.info('FLEET_main_JOBS', { subjects_filter: `fleet.main.rec.*.${job}.*` });
      return Object.fromEntries(
        Object.entries(state.subjects ?? {}).map(([subject, count]) => [subject.split('.').at(-1), count]),
      );
    } finally {
      await bus.close();
    }
  }

  it('is followed from another terminal when the command line was killed, from its beginning', async () => {
    const { ran, release, script } = trial();
    const cli = await fleet.cli.start(['exec', '--all', '-o', 'json', ...script]);
    await waitFor(() => ran().length === 3, { what: 'all nodes to run it' });
    cli.kill('SIGKILL');
    await cli.ended;
    const [job = ''] = await waitFor(async () => nonEmpty(await runningJobs()), { what: 'the job to be listed' });
    const before = await fleet.report('job', 'show', job);
    expect(before).toMatchObject({ command: 'exec', job, expected: 3, exit: 0, nodes: [], target: { all: true } });
    expect(before.record).toMatchObject({ over: false, running: ['db1', 'db2', 'web1'], ended: null });

    const following = await follow(job);
    release();
    expect((await following.ended).code).toBe(0);
    const report = JSON.parse(following.stdout()) as Report;
    expect(statesOf(report)).toEqual({ db1: 'ok', db2: 'ok', web1: 'ok' });
    expect(report.nodes.map(({ data }) => (data as { stdout: string }).stdout)).toEqual(['done db1\n', 'done db2\n', 'done web1\n']); // prettier-ignore
    expect(ran()).toEqual(['db1', 'db2', 'web1']);
    expect(await storedFor(job)).toEqual({ db1: 1, db2: 1, web1: 1 });
    const after = await fleet.report('job', 'show', job);
    expect(after.nodes).toHaveLength(3);
    expect(after.record).toMatchObject({ over: true, running: [] });
  });

  it('is shown and exits as the command did, and says what nodes said', async () => {
    const script = ['--shell', '--', 'case "$FLEET_EMBEDDED_NODE" in *db1) echo no >&2; exit 3;; *) echo yes;; esac'];
    const ran = await fleet.report('exec', '--all', ...script);
    expect(ran).toMatchObject({ exit: 3, states: { ok: 2, failed: 1 } });
    const shown = await fleet.report('job', 'show', ran.job ?? '');
    expect(shown.nodes).toEqual(ran.nodes.map((result) => ({ ...result, ms: expect.any(Number) as number })));
    expect(shown).toMatchObject({
      exit: 3,
      states: ran.states,
      record: { caller: 'operator', action: 'exec', over: true },
    });
    const table = await fleet.run('job', 'show', ran.job ?? '');
    expect(table.exit).toBe(3);
    expect(table.stdout).toContain('db2,web1 · ok · exit 0 · 2 nodes\n  yes\n');
    expect((await fleet.run('job', 'follow', ran.job ?? '')).exit).toBe(3);
  });

  it('is all that is waited for when it is handed over', async () => {
    const { ran, release, script } = trial();
    const detached = await fleet.run('exec', '--node', 'db1', '--detach', ...script);
    const job = detached.stdout.trim();
    expect(detached).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^\w{26}\n$/) as string });
    expect(detached.stderr).toContain(`fleet job follow ${job}`);
    release();
    expect((await fleet.run('job', 'follow', job)).stdout).toContain('done db1');
    expect(ran()).toEqual(['db1']);
    expect(await fleet.run('exec', '--node', 'db1', '--detach', '--no-record', '--', 'true')).toMatchObject({
      exit: 2,
    });
  });

  it('lists jobs by what they did, where and how it ended; and none of what only reads, unless asked', async () => {
    const list = async (...args: string[]): Promise<Record<string, unknown>[]> =>
      (await fleet.cli.json<{ jobs: Record<string, unknown>[] }>('job', 'list', ...args)).jobs;
    const failed = await fleet.report('exec', '--node', 'web1', '--', 'false');
    await fleet.run('ping');
    const recorded = await fleet.report('ping', '--node', 'db2', '--record');
    const unrecorded = await fleet.report('exec', '--node', 'web1', '--no-record', '--', 'true');
    const all = await list();
    expect(all.map(({ job }) => job)).toContain(failed.job);
    expect(all.filter(({ action }) => action === 'ping').map(({ job }) => job)).toEqual([recorded.job]);
    expect(all.map(({ job }) => job)).not.toContain(unrecorded.job);
    expect((await list('--state', 'failed', '--node', 'web*')).map(({ job }) => job)).toContain(failed.job);
    expect((await list('--state', 'failed', '--node', 'db2')).map(({ job }) => job)).not.toContain(failed.job);
    expect(await list('--action', 'ping')).toMatchObject([
      { caller: 'operator', state: 'ended', states: { ok: 1 }, exit: 0 },
    ]);
    expect(await list('--until', '2020-01-01')).toEqual([]);
    expect((await fleet.run('job', 'show', unrecorded.job ?? '')).exit).toBe(2);
    expect((await fleet.run('job', 'list', '--state', 'fine')).exit).toBe(2);
  });

  it('names the nodes on which it ended so', async () => {
    const script = ['--shell', '--', 'case "$FLEET_EMBEDDED_NODE" in *db1) exit 3;; esac'];
    const { job } = await fleet.report('exec', '--all', ...script);
    const again = await fleet.report('exec', '--from-job', job ?? '', '--state', 'failed,lost', '--', 'true');
    expect(again).toMatchObject({
      exit: 0,
      expected: 1,
      nodes: [{ node: 'db1', state: 'ok' }],
      target: { fromJob: job },
    });
    const rest = await fleet.report('ping', '--from-job', job ?? '', '--where', 'role=db');
    expect(rest.nodes.map(({ node }) => node)).toEqual(['db1', 'db2']);
    const nobody = ['exec', '--from-job', job ?? '', '--state', 'timeout', '--', 'true'];
    expect((await fleet.run(...nobody)).exit).toBe(6);
    for (const wrong of [
      ['--state', 'failed'],
      ['--all', '--from-job', job ?? ''],
      ['--from-job', job ?? '', '--state', 'fine'],
    ])
      // prettier-ignore
      expect((await fleet.run('exec', ...wrong, '--', 'true')).exit).toBe(2);
  });

  it("is its caller's and an admin's to read, and nobody else's", async () => {
    await fleet.run('ca', 'issue', 'operator', 'bob', '--role', 'operator', '--dir', fleet.folder);
    const as = ['--identity', join(fleet.folder, 'bob.json')];
    const own = await fleet.report('exec', '--node', 'db1', '--', 'true');
    const shown = await fleet.run(...as, 'job', 'show', own.job ?? '');
    expect([shown.exit, shown.stderr]).toEqual([2, expect.stringContaining("is operator's, and what nodes answered")]);
    expect((await fleet.run(...as, 'job', 'list', '--caller', 'operator')).exit).toBe(2);
    const bobs = JSON.parse(
      (await fleet.run(...as, 'exec', '--node', 'db1', '-o', 'json', '--', 'true')).stdout,
    ) as Report;
    expect(await fleet.report('job', 'show', bobs.job ?? '')).toMatchObject({ exit: 0, record: { caller: 'bob' } });
  });

  it('has what ran while the bus was killed and came back', async () => {
    const { ran, release, script } = trial();
    const cli = await fleet.cli.start(['exec', '--where', 'role=db', '-o', 'json', ...script]);
    await waitFor(() => ran().length === 2, { what: 'both nodes to run it' });
    await fleet.endBus();
    expect((await cli.ended).code).toBe(5);
    const { job } = JSON.parse(cli.stdout()) as Report;
    expect(cli.stderr()).toContain(`fleet job follow ${job}`);
    await fleet.startBus();
    const following = await waitFor(() => followed(job ?? ''), { what: 'the storage of the bus', timeoutMs: 30_000 });
    release();
    expect((await following.ended).code).toBe(0);
    expect(statesOf(JSON.parse(following.stdout()) as Report)).toEqual({ db1: 'ok', db2: 'ok' });
    expect(ran()).toEqual(['db1', 'db2']);
    expect(await storedFor(job ?? '')).toEqual({ db1: 1, db2: 1 });
  });
  /** Once the bus answers what is stored again. */
  async function followed(job: string): Promise<Child | undefined> {
    return (await fleet.run('job', 'show', job)).exit === 5 ? undefined : follow(job);
  }

  it('has the answer of an agent that was killed before the bus had it', async () => {
    const { ran, release, script } = trial();
    const cli = await fleet.cli.start(['exec', '--node', 'db1', '-o', 'json', ...script]);
    await waitFor(() => ran().length === 1, { what: 'the node to run it' });
    await fleet.endBus();
    await cli.ended;
    const { job } = JSON.parse(cli.stdout()) as Report;
    release();
    const outbox = join(fleet.node('db1').folder, 'state', 'outbox');
    await waitFor(() => readdirSync(outbox).some((name) => name.endsWith('.msg')), { what: 'the answer on its disk' });
    await fleet.endAgent('db1', 'SIGKILL');
    await fleet.startBus();
    await fleet.restartAgent('db1');
    const report = await waitFor(() => whenOver(job ?? ''), { what: 'the answer', timeoutMs: 30_000 });
    expect(report.nodes).toMatchObject([{ node: 'db1', state: 'ok', data: { stdout: 'done db1\n' } }]);
    expect(ran()).toEqual(['db1']);
    expect(await storedFor(job ?? '')).toEqual({ db1: 1 });
    await waitFor(() => readdirSync(outbox).length === 0, { what: 'its outbox to be empty' });
  });
  async function whenOver(job: string): Promise<Report | undefined> {
    const { stdout } = await fleet.run('job', 'show', job, '-o', 'json');
    const report = stdout === '' ? undefined : (JSON.parse(stdout) as Report);
    return report?.record?.over === true ? report : undefined;
  }
});

const nonEmpty = <T>(items: readonly T[]): readonly T[] | undefined => (items.length === 0 ? undefined : items);
