/**
 * Programs that run while their agent ends, however it ends: what they do is done once, and what they say and how they end
 * arrives whole. And what is said where that can't be known.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeResult, Report } from '../../controller/report.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const NODES = [
  'twice',
  'upgraded',
  'orphaned',
  'stray',
  'abandoned',
  'rebooted',
  'exclusive',
  'daemon',
  'large',
  'damaged',
];

/** A task that only one of may run at a time on a node. */
const ALONE = {
  argv: [
    '/bin/sh',
    '-c',
    'echo ran >>"$1/ran-exclusive"; until [ -e "$1/go-exclusive" ]; do sleep 0.05; done',
    'sh',
    '{{folder}}',
  ],
  exclusive: true,
  parameters: { folder: { required: true } },
};

describe('a program', () => {
  let fleet: EmbeddedFleet;
  let tasks: string;
  beforeAll(async () => {
    tasks = mkdtempSync(join(tmpdir(), 'fleet-tasks-'));
    writeFileSync(join(tasks, 'alone.yaml'), JSON.stringify(ALONE), { mode: 0o644 });
    fleet = await startEmbeddedFleet(Object.fromEntries(NODES.map((name) => [name, { tasks }])));
  });
  afterAll(async () => {
    rmSync(tasks, { recursive: true });
    await fleet.stop();
  });

  const inFolder = (name: string): string => join(fleet.cli.folder, name);
  const countOf = (name: string): number =>
    existsSync(inFolder(name)) ? readFileSync(inFolder(name), 'utf8').trim().split('\n').length : 0;
  const stateOf = (node: string): string => join(fleet.node(node).folder, 'state');
  const resultOf = (cli: Child): NodeResult => (JSON.parse(cli.stdout()) as Report).nodes[0]!;

  /** Leaves a line in `ran-<node>`, then does what the script says. Resolves when it runs. */
  async function begin(node: string, script: string, ...options: string[]): Promise<Child> {
    const line = `echo ran >>${inFolder(`ran-${node}`)}; ${script}`;
    const cli = await fleet.cli.start(['exec', '--node', node, '-o', 'json', ...options, '--shell', '--', line]);
    await waitFor(() => countOf(`ran-${node}`) > 0, { what: 'the program to run' });
    return cli;
  }
  const until = (name: string): string => `until [ -e ${inFolder(name)} ]; do sleep 0.05; done`;
  const release = (name: string): void => writeFileSync(inFolder(name), '');

  /** Process id of the node's runner: the one whose argument is its state folder. */
  function runnerOf(node: string): number | undefined {
    const wanted = `fleet-runner.js\0${stateOf(node)}\0`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find((pid) => readIfThere(`/proc/${pid}/cmdline`).endsWith(wanted));
  }
  async function killRunner(node: string): Promise<void> {
    const pid = runnerOf(node);
    if (pid === undefined) throw new Error(`${node} has no runner`);
    process.kill(pid, 'SIGKILL');
    await waitFor(() => runnerOf(node) === undefined, { what: 'the runner to be gone' });
  }

  it('runs once, and all of it is heard, though its agent is killed twice meanwhile', async () => {
    const lines = `i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); [ $i = 200 ] && ${until('middle')}; sleep 0.01; done; exit 3`;
    const cli = await begin('twice', lines);
    await fleet.restartAgent('twice', 'SIGKILL');
    release('middle');
    await fleet.restartAgent('twice', 'SIGKILL');
    expect((await cli.ended).code).toBe(4);
    const result = resultOf(cli);
    expect(result).toMatchObject({ state: 'failed', data: { exit: 3 } });
    const expected = Array.from({ length: 400 }, (_, index) => `line ${index}\n`).join('');
    expect((result.data as { stdout: string }).stdout).toBe(expected);
    expect(countOf('ran-twice')).toBe(1);
    await waitFor(() => readdirSync(join(stateOf('twice'), 'spool')).every((name) => !/^[0-9a-f]{24}$/.test(name)), {
      what: 'the run to be forgotten',
    });
  });

  it('of which the agent is stopped, and another one started, is reported by that', async () => {
    const cli = await begin('upgraded', `${until('go-upgraded')}; echo whole`);
    await fleet.restartAgent('upgraded', 'SIGTERM');
    release('go-upgraded');
    await cli.ended;
    expect(resultOf(cli)).toMatchObject({ state: 'ok', data: { stdout: 'whole\n' } });
    expect(countOf('ran-upgraded')).toBe(1);
  });

  it('whose runner is killed is lost at once, with its process named, and goes on', async () => {
    const cli = await begin('orphaned', `echo before; ${until('go-orphaned')}; touch ${inFolder('went-on')}`);
    await killRunner('orphaned');
    await cli.ended;
    const { state, reason, data } = resultOf(cli);
    expect({ state, data }).toMatchObject({ state: 'lost', data: { exit: null, stdout: 'before\n' } });
    expect(reason).toMatch(/was killed, so how it ended is not known; .*: it is still there, as process \d+$/);
    release('go-orphaned');
    await waitFor(() => existsSync(inFolder('went-on')), { what: 'the program to go on' });
    // And the next one gets a runner.
    expect(await fleet.report('exec', '--node', 'orphaned', '--', 'true')).toMatchObject({ exit: 0 });
  });

  it('whose runner is killed with the agent is lost as soon as another agent is there', async () => {
    const cli = await begin('abandoned', until('go-abandoned'));
    await fleet.endAgent('abandoned');
    await killRunner('abandoned');
    await fleet.restartAgent('abandoned');
    await cli.ended;
    expect(resultOf(cli)).toMatchObject({ state: 'lost', code: 'cannot-know' });
    release('go-abandoned');
    expect(countOf('ran-abandoned')).toBe(1);
  });

  it.each(['while the agent goes on', 'with the agent'])(
    'whose runner is killed %s is not started a second time, and a cancel of its job ends it',
    async (how) => {
      rmSync(inFolder('ran-stray'), { force: true });
      const cli = await begin('stray', `echo $$ >${inFolder('stray')}; exec sleep 1000`);
      const pid = await waitFor(() => Number(readIfThere(inFolder('stray'))), { what: 'the program to say who it is' });
      if (how === 'with the agent') await fleet.endAgent('stray');
      await killRunner('stray');
      if (how === 'with the agent') await fleet.restartAgent('stray');
      await cli.ended;
      const { job, nodes } = JSON.parse(cli.stdout()) as Report;
      expect(nodes[0]).toMatchObject({ state: 'lost', reason: expect.stringContaining(`as process ${pid}`) as string });
      // Its final has been handed over: what is left of it is found all the same.
      const again = await fleet.report('job', 'retry', job!);
      expect(again.nodes[0]).toMatchObject({ state: 'refused', code: 'still-running' });
      expect(again.nodes[0]?.reason).toContain(`as process ${pid}`);
      expect(countOf('ran-stray')).toBe(1);

      const cancelled = await fleet.report('job', 'cancel', job!);
      expect(cancelled).toMatchObject({ exit: 0, nodes: [{ data: { commands: [{ was: 'running', state: 'cancelled' }] } }] }); // prettier-ignore
      expect(readIfThere(`/proc/${pid}/cmdline`)).toBe('');
      const over = await fleet.report('job', 'cancel', job!);
      expect(over).toMatchObject({ exit: 0, nodes: [{ data: { commands: [{ was: 'ended', state: 'lost' }] } }] });
      rmSync(inFolder('stray'));
    },
  );

  it('that a restart of the machine ended has failed', async () => {
    const cli = await begin('rebooted', `echo before; ${until('go-rebooted')}`);
    await fleet.endAgent('rebooted');
    await killRunner('rebooted');
    release('go-rebooted');
    const journal = join(stateOf('rebooted'), 'replay.journal');
    const [header = '', ...rest] = readFileSync(journal, 'utf8').split('\n');
    const text = JSON.stringify({ ...(JSON.parse(header.slice(9)) as object), bootId: 'another' });
    writeFileSync(journal, [`${crc32(text).toString(16).padStart(8, '0')} ${text}`, ...rest].join('\n'));
    await fleet.restartAgent('rebooted');
    await cli.ended;
    expect(resultOf(cli)).toMatchObject({
      state: 'failed',
      code: 'rebooted',
      reason: 'the machine was restarted while it ran',
      data: { exit: null, stdout: 'before\n' },
    });
    expect(countOf('ran-rebooted')).toBe(1);
  });

  it('of a task that may run once at a time keeps the next one out, also after the agent was killed', async () => {
    const alone = ['--node', 'exclusive', 'alone', `folder=${fleet.cli.folder}`];
    const cli = await fleet.cli.start(['run', '-o', 'json', ...alone]);
    await waitFor(() => countOf('ran-exclusive') > 0, { what: 'the task to run' });
    await fleet.restartAgent('exclusive', 'SIGKILL');
    const second = await fleet.report('run', ...alone);
    expect(second.nodes[0]).toMatchObject({ state: 'refused', code: 'busy' });
    release('go-exclusive');
    await cli.ended;
    expect(resultOf(cli)).toMatchObject({ state: 'ok' });
    expect(await fleet.report('run', ...alone)).toMatchObject({ exit: 0 });
    expect(countOf('ran-exclusive')).toBe(2);
  });

  it.each([
    ['keeps its output open', ''],
    ['closes its output', '>/dev/null 2>&1'],
  ])('that daemonises and %s ends when it ends, and the daemon lives', async (_how, redirect) => {
    const pidFile = inFolder(`daemon${redirect.length}`);
    const daemon = `setsid sh -c "echo \\$\\$ >${pidFile}; exec sleep 1000" ${redirect} &`;
    const report = await fleet.report('exec', '--node', 'daemon', '--shell', '--', `( ${daemon} ); echo started`);
    expect(report.nodes[0]).toMatchObject({ state: 'ok', data: { stdout: 'started\n' } });
    const pid = await waitFor(() => Number(readIfThere(pidFile)), { what: 'the daemon to say who it is' });
    expect(readIfThere(`/proc/${pid}/cmdline`)).toBe('sleep\x001000\0');
    // An agent that is killed and started again changes nothing about it.
    await fleet.restartAgent('daemon', 'SIGKILL');
    expect(readIfThere(`/proc/${pid}/cmdline`)).toBe('sleep\x001000\0');
    process.kill(pid);
  });

  it('that daemonises without ending is ended with its daemon at its time limit', async () => {
    const pidFile = inFolder('daemon-limited');
    const script = `( setsid sh -c "echo \\$\\$ >${pidFile}; exec sleep 1000" & ); sleep 1000`;
    const report = await fleet.report('exec', '--node', 'daemon', '--timeout', '2s', '--shell', '--', script);
    expect(report.nodes[0]).toMatchObject({ state: 'timeout' });
    expect(Number(readIfThere(pidFile))).toBeGreaterThan(1);
    // Gone, or waiting for whoever has to notice.
    expect(readIfThere(`/proc/${readIfThere(pidFile).trim()}/cmdline`)).toBe('');
  });

  it('of a hundred megabytes arrives to the byte, though its agent is killed meanwhile', async () => {
    const output = inFolder('output');
    const script = `yes 0123456789abcde | head -c 60000000; ${until('go-large')}; yes 0123456789abcde | head -c 40000000`;
    const cli = await begin('large', script, '--output-dir', output);
    await fleet.restartAgent('large', 'SIGKILL');
    release('go-large');
    expect((await cli.ended).code).toBe(0);
    const received = readFileSync(join(output, 'large', 'stdout'));
    expect(received.length).toBe(100_000_000);
    expect(received.equals(Buffer.alloc(100_000_000, '0123456789abcde\n'))).toBe(true);
  }, 120_000);

  it('whose files were damaged meanwhile is lost, and nothing else is', async () => {
    const cli = await begin('damaged', until('go-damaged'));
    await fleet.endAgent('damaged');
    await killRunner('damaged');
    release('go-damaged');
    const spool = join(stateOf('damaged'), 'spool');
    const run = readdirSync(spool).find((name) => /^[0-9a-f]{24}$/.test(name)) ?? '';
    writeFileSync(join(spool, run, 'record'), 'not a record\n');
    await fleet.restartAgent('damaged');
    await cli.ended;
    expect(resultOf(cli)).toMatchObject({ state: 'lost', code: 'cannot-know' });
    expect(await fleet.report('exec', '--node', 'damaged', '--', 'true')).toMatchObject({ exit: 0 });
  });
});

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
