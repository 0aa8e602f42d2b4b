/**
 * Commands for nodes that are away, on real processes: they wait on the bus, run when the node is back, in order and once,
 * whatever is killed in between; and what came of them is in the record.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { LIMITS } from '../../shared/limits.ts';
import { decodeQueue, encodeQueue, type QueueEntry } from '../../shared/wire/queue.ts';
import { tapBus } from '../support/bus-tap.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const AWAY = ['--until', '1h', '--ack-timeout', '1s'];

describe('what is sent to a node that is away', () => {
  let fleet: EmbeddedFleet;
  let trials = 0;
  let effects = '';
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: {}, web1: {} });
  });
  afterAll(() => fleet.stop());
  beforeEach(() => {
    effects = join(fleet.cli.folder, `effects-${++trials}`);
  });

  const ran = (): string[] => (existsSync(effects) ? readFileSync(effects, 'utf8').trim().split('\n') : []);
  /** Leaves its name for each time that it runs. */
  const leave = (name: string): string[] => ['--shell', '--', `echo ${name} >>${effects}; echo did ${name}`];
  /** The same, and waits to be let go. */
  const hold = (name: string): string[] => [
    '--shell',
    '--',
    `echo ${name} >>${effects}; until [ -e ${effects}.gate ]; do sleep 0.05; done`,
  ];
  const release = (): void => writeFileSync(`${effects}.gate`, '');
  async function queue(words: readonly string[], ...options: string[]): Promise<string> {
    const report = await fleet.report('exec', '--node', 'db1', ...AWAY, ...options, ...words);
    expect(report).toMatchObject({ exit: 0, nodes: [], queued: { nodes: ['db1'] } });
    return report.job ?? '';
  }
  async function over(job: string): Promise<Report> {
    const look = async (): Promise<Report | undefined> => {
      const { stdout } = await fleet.run('job', 'show', job, '-o', 'json');
      const report = stdout === '' ? undefined : (JSON.parse(stdout) as Report);
      return report?.record?.over === true ? report : undefined;
    };
    return waitFor(look, { what: `job ${job} to be over`, timeoutMs: 40_000 });
  }
  const stateIn = ({ nodes }: Report): (string | undefined)[] => nodes.map(({ state }) => state);
  /** Changes what waits for db1 behind everybody's back. */
  async function changeQueue(change: (entries: readonly QueueEntry[]) => readonly QueueEntry[]): Promise<void> {
    const bus = await tapBus(fleet, 'STORE');
    try {
      const subject = 'fleet.main.queue.db1';
      const jsm = await bus.jetstreamManager();
      const stored = await jsm.streams.getMessage('FLEET_main_QUEUE', { last_by_subj: subject }).catch(() => undefined);
      await bus.jetstream().publish(subject, encodeQueue(change(stored === undefined ? [] : decodeQueue(stored.data))));
    } finally {
      await bus.close();
    }
  }

  it('waits for it, over a death of the bus, and runs in order, each once', async () => {
    await fleet.endAgent('db1');
    const jobs = [await queue(leave('one')), await queue(leave('two'))];
    await fleet.endBus();
    await fleet.startBus();
    jobs.push(await waitFor(() => queue(leave('three')).catch(() => undefined), { what: 'the bus to store again', timeoutMs: 30_000 })); // prettier-ignore
    expect(await fleet.report('job', 'show', jobs[0]!)).toMatchObject({
      exit: 0,
      nodes: [],
      queued: { nodes: ['db1'] },
      record: { over: false, running: [] },
    });
    const following = await fleet.cli.start(['job', 'follow', jobs[0]!, '-o', 'json']);
    await fleet.restartAgent('db1');
    expect((await following.ended).code).toBe(0);
    expect((JSON.parse(following.stdout()) as Report).nodes).toMatchObject([
      { node: 'db1', state: 'ok', data: { stdout: 'did one\n' } },
    ]);
    for (const job of jobs) expect(await over(job)).toMatchObject({ exit: 0, states: { ok: 1 } });
    expect(ran()).toEqual(['one', 'two', 'three']);
    // Nothing of it comes again with the next connection.
    await fleet.restartAgent('db1');
    await over(await fleet.report('exec', '--node', 'db1', '--', 'true').then(({ job }) => job ?? ''));
    expect(ran()).toEqual(['one', 'two', 'three']);
  });

  it('does not hold up the others: the command ends with them, and says who is waited for', async () => {
    await fleet.endAgent('db1');
    const { exit, stderr, stdout } = await fleet.run('exec', '--all', '--until', '1h', ...leave('here'));
    expect([exit, stdout]).toEqual([0, expect.stringContaining('web1 · ok')]);
    expect(stderr).toMatch(/1 node: 1 ok · 1 queued/);
    expect(stderr).toMatch(/In the queue of db1 until .* UTC: fleet job follow \w{26}/);
    const { jobs } = await fleet.cli.json<{ jobs: { job: string; waiting: number; state: string }[] }>('job', 'list');
    const last = jobs.at(-1)!;
    expect(last).toMatchObject({ state: 'running', waiting: 1 });
    await fleet.restartAgent('db1');
    expect(await over(last.job)).toMatchObject({ exit: 0, states: { ok: 2 } });
    expect(ran()).toEqual(['here', 'here']);
  });

  it('runs once when its agent is killed while it runs, and what was fetched behind it, too', async () => {
    await fleet.endAgent('db1');
    const jobs = [await queue(hold('first')), await queue(leave('second'))];
    await fleet.restartAgent('db1');
    await waitFor(() => ran().length === 1, { what: 'the first to run' });
    await fleet.endAgent('db1', 'SIGKILL');
    release();
    await fleet.restartAgent('db1');
    const [first, second] = [await over(jobs[0]!), await over(jobs[1]!)];
    expect(['ok', 'lost']).toContain(stateIn(first)[0]);
    expect(stateIn(second)).toEqual(['ok']);
    expect(ran()).toEqual(['first', 'second']);
  });

  it('runs once when its agent is killed after it, before it could take it out of the queue', async () => {
    await fleet.endAgent('db1');
    const jobs = [await queue(hold('first')), await queue(leave('second'))];
    await fleet.restartAgent('db1');
    await waitFor(() => ran().length === 1, { what: 'the first to run' });
    await fleet.endBus();
    release();
    const outbox = join(fleet.node('db1').folder, 'state', 'outbox');
    await waitFor(() => readdirSync(outbox).some((name) => name.endsWith('.msg')), { what: 'the answer on its disk' });
    await fleet.endAgent('db1', 'SIGKILL');
    await fleet.startBus();
    await fleet.restartAgent('db1');
    for (const job of jobs) expect(stateIn(await over(job))).toEqual(['ok']);
    expect(ran()).toEqual(['first', 'second']);
  });

  it('is expired when the node comes back too late, and never runs', async () => {
    await fleet.endAgent('db1');
    const report = await fleet.report('exec', '--node', 'db1', '--until', '2s', '--ack-timeout', '500ms', ...leave('late')); // prettier-ignore
    await waitFor(() => Date.now() > Date.parse(report.queued?.until ?? ''), { what: 'its time to be over' });
    await fleet.restartAgent('db1');
    expect(await over(report.job ?? '')).toMatchObject({
      exit: 4,
      nodes: [{ node: 'db1', state: 'expired', code: 'too-late' }],
    });
    expect(ran()).toEqual([]);
  });

  it('is refused when its caller has been revoked meanwhile', async () => {
    await fleet.run('ca', 'issue', 'operator', 'bob', '--role', 'operator', '--dir', fleet.folder);
    await fleet.endAgent('db1');
    const as = ['--identity', join(fleet.folder, 'bob.json')];
    const asked = await fleet.run(...as, 'exec', '--node', 'db1', '-o', 'json', ...AWAY, ...leave('bob'));
    const { job, queued } = JSON.parse(asked.stdout) as Report;
    expect(queued?.nodes).toEqual(['db1']);
    // Some nodes are away, so nobody can say that all know of it.
    expect((await fleet.run('revoke', 'bob', '--yes', '--dir', fleet.folder)).exit).toBe(3);
    await fleet.restartAgent('db1');
    expect(await over(job ?? '')).toMatchObject({ nodes: [{ node: 'db1', state: 'refused', code: 'revoked' }] });
    expect(ran()).toEqual([]);
  });

  it('is refused when it may wait for longer than the policy lets it, here at once and there when it comes', async () => {
    const { stdout: before } = await fleet.run('policy', 'show');
    const policy = join(fleet.cli.folder, 'policy.yaml');
    const rule = "  shortly:\n    allow:\n      - actions: ['*']\n        until: 30m\n";
    writeFileSync(
      policy,
      before.replace(/^roles:\n/m, (line) => `${line}${rule}`),
    );
    expect(await fleet.run('policy', 'push', policy, '--yes')).toMatchObject({ exit: 0 });
    await fleet.run('ca', 'issue', 'operator', 'carol', '--role', 'shortly', '--dir', fleet.folder);
    await fleet.endAgent('db1');
    const ask = async (...options: string[]): Promise<Report> => {
      const as = ['--identity', join(fleet.folder, 'carol.json')];
      return JSON.parse((await fleet.run(...as, 'exec', '--all', '-o', 'json', ...options, ...leave('carol'))).stdout) as Report;
    }; // prettier-ignore
    const [short, long] = [await ask('--until', '30m'), await ask('--until', '31m')];
    expect([short.queued?.nodes, long.queued?.nodes]).toEqual([['db1'], ['db1']]);
    expect(short.nodes).toMatchObject([{ node: 'web1', state: 'ok' }]);
    const reason = expect.stringContaining('lets no command wait as long as this one may') as string;
    expect(long.nodes).toMatchObject([{ node: 'web1', state: 'refused', code: 'not-authorized', reason }]);
    await fleet.restartAgent('db1');
    expect(await over(short.job ?? '')).toMatchObject({ states: { ok: 2 } });
    expect(await over(long.job ?? '')).toMatchObject({ states: { refused: 2 } });
    expect(ran()).toEqual(['carol', 'carol']);
  });

  it('is not held up by what is damaged', async () => {
    await fleet.endAgent('db1');
    const job = await queue(leave('whole'));
    const until = Date.now() + 60_000;
    await changeQueue((entries) => {
      const { message } = entries.at(-1)!;
      const flipped = message.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
      const damaged = [new Uint8Array([1, 2, 3]), message.slice(0, -20), flipped];
      return [...damaged.map((one) => ({ message: one, until })), ...entries];
    });
    await fleet.restartAgent('db1');
    expect(stateIn(await over(job))).toEqual(['ok']);
    expect(ran()).toEqual(['whole']);
  });

  it('runs once when the node comes back in the very moment', async () => {
    for (const wait of ['100ms', '400ms', '700ms']) {
      await fleet.endAgent('db1');
      const coming = fleet.restartAgent('db1');
      const report = await fleet.report('exec', '--node', 'db1', '--until', '1h', '--ack-timeout', wait, ...leave(wait)); // prettier-ignore
      await coming;
      expect(stateIn(await over(report.job ?? ''))).toEqual(['ok']);
    }
    expect(ran()).toEqual(['100ms', '400ms', '700ms']);
  });

  it('lies there before it is sent when nobody waits, for who is there as well, and runs once', async () => {
    await fleet.endAgent('db1');
    const { exit, stderr, stdout } = await fleet.run('exec', '--all', '--detach', '--until', '1h', ...leave('x'));
    expect([exit, stderr]).toEqual([0, expect.stringContaining('fleet job follow')]);
    await waitFor(() => ran().length === 1, { what: 'web1 to run it' });
    await fleet.restartAgent('db1');
    expect(await over(stdout.trim())).toMatchObject({ exit: 0, states: { ok: 2 } });
    expect(ran()).toEqual(['x', 'x']);
  });

  it('is not queued where too much waits already, and that is said', async () => {
    await fleet.endAgent('db1');
    const until = Date.now() + 60 * 60_000;
    const filled = Array.from({ length: LIMITS.queueEntries }, (_, at) => ({ message: new Uint8Array([at]), until }));
    await changeQueue(() => filled);
    const report = await fleet.report('exec', '--node', 'db1', ...AWAY, ...leave('too much'));
    expect(report).toMatchObject({ exit: 4, queued: { nodes: [] } });
    expect(report.nodes).toMatchObject([{ node: 'db1', state: 'unreachable', code: 'queue-full' }]);
    await fleet.restartAgent('db1');
    expect(await queueIsEmpty()).toBe(true);
    expect(ran()).toEqual([]);
  });
  async function queueIsEmpty(): Promise<boolean> {
    return waitFor(
      async () => {
        let left = -1;
        await changeQueue((entries) => {
          left = entries.length;
          return entries;
        });
        return left === 0;
      },
      { what: 'junk to be thrown out of the queue' },
    );
  }

  it('is asked for again at once when its agent was restarted while it ran: nobody waits for a silence to be long', async () => {
    const cli = await fleet.cli.start(['exec', '--node', 'db1', '-o', 'json', ...hold('running')]);
    await waitFor(() => ran().length === 1, { what: 'the node to run it' });
    await fleet.endAgent('db1', 'SIGKILL');
    release();
    await fleet.restartAgent('db1');
    await cli.ended;
    const [node] = (JSON.parse(cli.stdout()) as Report).nodes;
    // What the node says, and not what somebody makes of its silence.
    expect(node).toMatchObject(node?.state === 'ok' ? { state: 'ok' } : { state: 'lost', code: 'cannot-know' });
    expect(ran()).toEqual(['running']);
  });

  it.each([
    [['--online']],
    [['--deadline', '1m']],
    [['--batch', '1']],
    [['--with-approval']],
    [['--no-record']],
    [['--dry-run']],
    [['--until', '8d']],
    [['--until', '0s']],
  ])('can not be asked for with %j', async (options) => {
    const asked = await fleet.run('exec', '--node', 'web1', '--until', '1h', ...options, ...leave('never'));
    expect(asked.exit).toBe(2);
    expect(ran()).toEqual([]);
  });
});
