/** The jobs that users come with, each one command, on the six nodes of the tour; and the document each gives to programs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';

const JOB = expect.stringMatching(/^[0-9a-z]{26}$/) as string;
const NUMBER = expect.any(Number) as number;
const ALL = ['db1', 'db2', 'rails1', 'rails2', 'web1', 'worker1'];

describe('on the six nodes of the tour', () => {
  let fleet: EmbeddedFleet;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet();
  });
  afterAll(() => fleet.stop());

  const head = (command: string, expected: number, target: object = {}): object => ({
    version: 1,
    command,
    job: JOB,
    fleet: 'main',
    target,
    expected,
    states: { ok: expected },
    unmatched: 0,
    exit: 0,
    ms: NUMBER,
  });
  const ok = (node: string, data: unknown): object => ({ node, state: 'ok', reason: null, data, ms: NUMBER });

  it('pings: who is there, and how far away', async () => {
    const [report, table] = await Promise.all([fleet.report('ping'), fleet.run('ping')]);
    expect(report).toEqual({
      ...head('ping', 6),
      nodes: ALL.map((node) =>
        ok(node, { version: '0.1.0', uptimeMs: NUMBER, epochs: { policy: NUMBER, revoked: 0 } }),
      ),
    });
    expect(table).toMatchObject({ exit: 0 });
    expect(table.stdout).toMatch(/^NODE +MS\ndb1 +\d+\.\d\n/);
    expect(table.stdout).toMatch(/6 of 6 answered · min [\d.]+ · median [\d.]+ · max [\d.]+ ms\n$/);
    expect(table.stderr).toMatch(/^6 nodes: 6 ok · [\d.]+ s · fleet main\n$/);
  });

  it('finds nodes, and gives their names alone to a pipe', async () => {
    const [report, names, none] = await Promise.all([
      fleet.report('find', '--where', 'role=db'),
      fleet.run('find', '--where', 'role in (db, web)', '-o', 'names', '-q'),
      fleet.run('find', '--where', 'role=nothing', '-o', 'names', '-q'),
    ]);
    expect(report).toEqual({
      ...head('find', 2, { where: ['role=db'] }),
      nodes: ['db1', 'db2'].map((node) => ({ node, state: 'ok', reason: null, ms: NUMBER })),
    });
    expect(names).toEqual({ exit: 0, stdout: 'db1\ndb2\nweb1\n', stderr: '' });
    expect(none).toEqual({ exit: 6, stdout: '', stderr: '' });
  });

  it('collects the Ruby patch level of every Rails server, as a distribution', async () => {
    const report = await fleet.report('facts', 'ruby.patchlevel', '--where', 'role=rails');
    expect(report).toEqual({
      ...head('facts', 2, { where: ['role=rails'] }),
      facts: {
        'ruby.patchlevel': [
          { value: 484, count: 1, nodes: ['rails1'] },
          { value: 551, count: 1, nodes: ['rails2'] },
        ],
      },
      nodes: [ok('rails1', { 'ruby.patchlevel': 484 }), ok('rails2', { 'ruby.patchlevel': 551 })],
    });
  });

  it('shows the most common value of a fact first, and nodes that lack it without a value, all of them ok', async () => {
    const report = await fleet.report('facts', 'patch_level', 'postgres.version', 'no.such.fact');
    expect(report.exit).toBe(0);
    expect(report.facts).toEqual({
      patch_level: [
        { value: 12, count: 4, nodes: ['db1', 'rails1', 'rails2', 'web1'] },
        { value: 9, count: 1, nodes: ['worker1'] },
        { value: 11, count: 1, nodes: ['db2'] },
      ],
      'postgres.version': [
        { value: null, count: 4, nodes: ['rails1', 'rails2', 'web1', 'worker1'] },
        { value: '15.3', count: 1, nodes: ['db2'] },
        { value: '15.4', count: 1, nodes: ['db1'] },
      ],
      'no.such.fact': [{ value: null, count: 6, nodes: ALL }],
    });
  });

  it('gives all facts of a node without a path', async () => {
    const report = await fleet.report('facts', '--node', 'db1');
    expect(report.nodes[0]?.data).toMatchObject({
      name: 'db1',
      role: 'db',
      postgres: { version: '15.4' },
      os: { family: expect.any(String) as string },
      kernel: { name: 'Linux' },
      memory: { total: NUMBER, available: NUMBER },
    });
    expect(report.facts).toBeUndefined();
  });

  it('runs the newest migration on every database server and on no other, and groups what they said', async () => {
    const report = await fleet.report('run', '--where', 'role=db', 'migrate');
    const stdout = 'applying migration 41\napplying migration 42\n';
    expect(report).toEqual({
      ...head('run', 2, { where: ['role=db'] }),
      recorded: true,
      nodes: ['db1', 'db2'].map((node) => ok(node, { exit: 0, signal: null, stdout, stderr: '', truncated: null })),
    });
    const again = await fleet.run('run', '--where', 'role=db', 'migrate', 'to=43');
    expect(again.exit).toBe(0);
    expect(again.stdout).toBe('db[1-2] · ok · exit 0 · 2 nodes\n  applying migration 43\n');
    expect(again.stderr).toMatch(/^2 nodes: 2 ok · /);
  });

  it('says that a task failed on one node, and on the others not', async () => {
    const report = await fleet.report('run', '--all', 'deploy');
    expect(report).toMatchObject({ exit: 3, expected: 6, states: { ok: 5, failed: 1 } });
    const web1 = report.nodes.find(({ node }) => node === 'web1');
    expect(web1).toEqual({
      node: 'web1',
      state: 'failed',
      code: 'exit-code',
      reason: 'exit 1: app.conf is missing: this node was never configured',
      data: {
        exit: 1,
        signal: null,
        stdout: '',
        stderr: 'app.conf is missing: this node was never configured\n',
        truncated: null,
      },
      ms: NUMBER,
    });
    const table = await fleet.run('run', '--all', 'deploy');
    expect(table.exit).toBe(3);
    expect(table.stderr).toContain('web1  failed  exit 1: app.conf is missing: this node was never configured\n');
  });

  it('knows that a supervisor still runs on every server, and where one does not', async () => {
    const [met, unmet] = await Promise.all([
      fleet.report('ps', 'svscan', '--expect', '1..'),
      fleet.report('ps', 'puma', '--expect', '2'),
    ]);
    const svscan = {
      pid: NUMBER,
      ppid: NUMBER,
      user: expect.any(String) as string,
      name: 'svscan',
      command: expect.stringContaining('svscan') as string,
      started: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/) as string,
    };
    expect(met).toEqual({
      ...head('ps', 6),
      expect: { min: 1, max: null },
      nodes: ALL.map((node) => ok(node, { processes: [svscan], count: 1 })),
    });
    expect(unmet).toMatchObject({ exit: 3, states: { ok: 2, failed: 4 }, expect: { min: 2, max: 2 } });
    expect(unmet.nodes.find(({ node }) => node === 'db1')).toMatchObject({
      state: 'failed',
      code: 'unexpected-count',
      reason: 'expected 2, found 0',
      data: { processes: [], count: 0 },
    });
  });

  it('runs a one-off command as it stands, and groups what it said', async () => {
    const [same, args, each] = await Promise.all([
      fleet.run('exec', '--where', 'os.family=*', '--', 'uname', '-s'),
      fleet.run('exec', '--node', 'db*', '--', 'echo', '--cwd', '/tmp', '$HOME', 'a  b'),
      fleet.run('exec', '--node', 'db*', '--no-group-by-output', '--', 'uname', '-s'),
    ]);
    expect(same.stdout).toBe('db[1-2],rails[1-2],web1,worker1 · ok · exit 0 · 6 nodes\n  Linux\n');
    // What follows -- is the program's.
    expect(args.stdout).toBe('db[1-2] · ok · exit 0 · 2 nodes\n  --cwd /tmp $HOME a  b\n');
    expect(each.stdout).toBe('db1 · ok · exit 0\n  Linux\n\ndb2 · ok · exit 0\n  Linux\n');
  });

  it('finds every process of a name and ends it, and finds nothing the second time', async () => {
    const before = await fleet.report('kill', 'stray*', '--all', '--dry-run');
    expect(before).toMatchObject({ ...head('kill', 6, { all: true }), dryRun: true });
    const wanted = before.nodes.flatMap(({ data }) => (data as { signalled: { pid: number }[] }).signalled);
    expect(wanted).toHaveLength(4);

    const report = await fleet.report('kill', 'stray*', '--all', '--signal', 'KILL');
    const rails1 = report.nodes.find(({ node }) => node === 'rails1');
    const stray = { pid: NUMBER, name: 'stray-worker' };
    expect(rails1).toEqual(
      ok('rails1', { signalled: [stray, stray], gone: [stray, stray], remaining: [], spared: [] }),
    );
    expect(report).toMatchObject({ exit: 0, states: { ok: 6 } });
    expect(report.dryRun).toBeUndefined();
    const again = await fleet.report('kill', 'stray*', '--all');
    expect(again).toMatchObject({ exit: 0, states: { ok: 6 } });
    expect(again.nodes.map(({ data }) => data)).toEqual(
      ALL.map(() => ({ signalled: [], gone: [], remaining: [], spared: [] })),
    );
  });

  it('lists tasks and actions, and describes one', async () => {
    const [tasks, task, actions, action] = await Promise.all([
      fleet.cli.json('task', 'list'),
      fleet.cli.json('task', 'show', 'migrate'),
      fleet.cli.json<{ actions: { name: string; effect: string; nodes: string[] }[] }>('action', 'list'),
      fleet.cli.json('action', 'show', 'process.signal'),
    ]);
    const migrate = {
      task: {
        name: 'migrate',
        description: expect.any(String) as string,
        changes: true,
        check: true,
        timeoutMs: 300_000,
        parameters: { to: expect.objectContaining({ type: 'integer', default: 42, min: 1, max: 999 }) as object },
      },
      nodes: ['db1', 'db2'],
    };
    expect(tasks).toMatchObject({
      version: 1,
      command: 'task list',
      fleet: 'main',
      exit: 0,
      tasks: [{ task: { name: 'deploy' }, nodes: ALL }, { nodes: ['db1', 'db2'] }],
      problems: [],
    });
    expect(task).toEqual({ version: 1, command: 'task show', fleet: 'main', exit: 0, tasks: [migrate], problems: [] });
    expect(actions.actions.map(({ name, effect }) => `${name} ${effect}`)).toEqual([
      'exec changes',
      'facts.get reads',
      'inventory reads',
      'logs.read reads',
      'ping reads',
      'process.list reads',
      'process.signal changes',
      'task.list reads',
      'task.run changes',
    ]);
    expect(action).toMatchObject({
      actions: [{ name: 'process.signal', input: { properties: { signal: { enum: expect.any(Array) as unknown } } } }],
    });
  });

  it('tells of all nodes what they published, and of one node everything', async () => {
    const [all, one] = await Promise.all([fleet.report('inventory'), fleet.report('inventory', 'web1')]);
    expect(all).toMatchObject({ ...head('inventory', 6), job: null });
    expect(all.nodes[0]).toEqual({
      ...ok('db1', {
        presence: 'joined',
        since: null,
        indexed: { role: 'db' },
        os: expect.any(String) as string,
        agent: '0.1.0',
      }),
      ms: null,
    });
    expect(one.nodes[0]?.data).toMatchObject({
      agent: { version: '0.1.0', pid: fleet.node('web1').pid, startedAt: NUMBER, protocol: [1] },
      facts: { role: 'web' },
      collectors: { os: { ageMs: NUMBER } },
      actions: expect.arrayContaining(['ping', 'exec']) as string[],
      problems: [],
      counters: { accepted: NUMBER },
    });
  });

  it('matches an expression against a document without any bus', async () => {
    const facts = JSON.stringify({ role: 'db', cpus: 8 });
    const options = { stdin: facts, env: { XDG_STATE_HOME: '/nonexistent' } };
    const [yes, no, why] = await Promise.all([
      fleet.cli.runWith(options, 'match', '--where', 'role=db and cpus>=08', '--facts', '-'),
      fleet.cli.runWith(options, 'match', '--where', 'role=web', '--facts', '-'),
      fleet.cli.runWith(options, 'match', '--where', 'role=db and cpus>8', '--facts', '-', '--explain', '-o', 'json'),
    ]);
    expect(yes).toEqual({ exit: 0, stdout: 'true\n', stderr: '' });
    expect(no).toEqual({ exit: 6, stdout: 'false\n', stderr: '' });
    expect(JSON.parse(why.stdout)).toMatchObject({
      version: 1,
      command: 'match',
      exit: 6,
      matches: false,
      explain: [{ predicate: 'cpus > 8', holds: false, found: 8 }],
    });
  });

  it('writes a completion script for each shell', async () => {
    const scripts = await Promise.all(['bash', 'zsh', 'fish'].map((shell) => fleet.run('completion', shell)));
    for (const { exit, stdout, stderr } of scripts) {
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout).toContain('inventory');
    }
  });

  it('has help with two real examples for every command', async () => {
    const commands = ['ping', 'find', 'facts', 'inventory', 'run', 'exec', 'ps', 'kill', 'match', 'task list', 'task show',
      'action list', 'action show', 'init', 'ca issue node', 'dev up', 'dev down', 'dev status', 'completion']; // prettier-ignore
    for (let at = 0; at < commands.length; at += 5)
      await Promise.all(
        commands.slice(at, at + 5).map(async (command) => {
          const { exit, stdout, stderr } = await fleet.run(...command.split(' '), '--help');
          expect({ command, exit, stderr }).toEqual({ command, exit: 0, stderr: '' });
          const examples = /Examples:\n((?: {2}.+\n?)+)/.exec(stdout)?.[1]?.trimEnd().split('\n') ?? [];
          expect(examples.filter((example) => example.includes(`fleet ${command}`)).length).toBeGreaterThanOrEqual(2);
        }),
      );
  });
});
