/**
 * Cancelled means cancelled: whatever a job has started is gone, what hasn't come never runs, and what was done is neither
 * undone nor done twice by who tries again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { noTerminal, startAtTerminal } from '../support/terminal.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a job', () => {
  let fleet: EmbeddedFleet;
  let trials = 0;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: {}, db2: {}, web1: {} });
  });
  afterAll(() => fleet.stop());

  const newFile = (name: string): string => join(fleet.cli.folder, `${name}-${++trials}`);
  const linesOf = (file: string): string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').sort() : [];
  const shell = (script: string): string[] => ['--shell', '--', script];
  const NODE = '"${FLEET_EMBEDDED_NODE##*/}"';
  const detach = async (...args: string[]): Promise<string> =>
    (await fleet.run('exec', '--detach', ...args)).stdout.trim();
  const statesOf = ({ nodes }: Report): unknown => Object.fromEntries(nodes.map(({ node, state }) => [node, state]));
  const fatesOf = ({ nodes }: Report): unknown =>
    Object.fromEntries(
      nodes.map(({ node, data }) => {
        const [fate] = (data as { commands: { was: string; state?: string }[] }).commands;
        return [node, `${fate?.was}: ${fate?.state}`];
      }),
    );

  /** Forks, forks away, takes no TERM, and moves to sessions of its own; the pids of all of it. */
  function stubbornTree(): { script: string[]; pids: () => number[] } {
    const file = newFile('pids');
    const stay = `echo $$ >>${file}; while :; do sleep 0.2; done`;
    const script = [
      `trap '' TERM INT HUP`,
      `setsid sh -c "${stay.replaceAll('$', '\\$')}" &`,
      `(setsid sh -c "(${stay.replaceAll('$', '\\$')}) &" &)`,
      `sh -c "${stay.replaceAll('$', '\\$')}" &`,
      stay,
    ].join('\n');
    return { script: shell(script), pids: () => linesOf(file).map(Number) };
  }
  /** What has ended and nobody asked for is a name in the table, and nothing else. */
  const isThere = (pid: number): boolean => {
    try {
      return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  it('that is cancelled is gone with everything that it started, and says so; the trail says who did it', async () => {
    const { pids, script } = stubbornTree();
    const job = await detach('--node', 'db1', ...script);
    await waitFor(() => pids().length === 4, { what: 'the whole tree to be there' });
    const report = await fleet.report('job', 'cancel', job);
    expect(report).toMatchObject({ command: 'job cancel', job, exit: 0, states: { ok: 1 } });
    expect(fatesOf(report)).toEqual({ db1: 'running: cancelled' });
    expect(pids().filter(isThere)).toEqual([]);
    const shown = await fleet.report('job', 'show', job);
    expect(shown).toMatchObject({
      exit: 4,
      record: { over: true },
      nodes: [{ state: 'cancelled', code: 'cancelled' }],
    });
    await waitFor(async () => (await fleet.run('audit', 'search', '--job', job)).stdout.includes('job.cancel  ok'), {
      what: 'the trail of the node to be stored',
    });
    expect(fatesOf(await fleet.report('job', 'cancel', job))).toEqual({ db1: 'ended: cancelled' });
  });

  it('that an earlier agent started is ended by the next one', async () => {
    const { pids, script } = stubbornTree();
    const job = await detach('--node', 'db2', ...script);
    await waitFor(() => pids().length === 4, { what: 'the whole tree to be there' });
    await fleet.restartAgent('db2', 'SIGKILL');
    expect(fatesOf(await fleet.report('job', 'cancel', job))).toEqual({ db2: 'running: cancelled' });
    expect(pids().filter(isThere)).toEqual([]);
    expect(statesOf(await fleet.report('job', 'follow', job))).toEqual({ db2: 'cancelled' });
  });

  it('is cancelled on some of its nodes alone', async () => {
    const [ran, gate] = [newFile('ran'), newFile('gate')];
    const job = await detach('--all', ...shell(`echo ${NODE} >>${ran}; until [ -e ${gate} ]; do sleep 0.05; done`));
    await waitFor(() => linesOf(ran).length === 3, { what: 'all nodes to run it' });
    expect(fatesOf(await fleet.report('job', 'cancel', job, '--node', 'db*'))).toEqual({
      db1: 'running: cancelled',
      db2: 'running: cancelled',
    });
    writeFileSync(gate, '');
    expect(statesOf(await fleet.report('job', 'follow', job))).toEqual({
      db1: 'cancelled',
      db2: 'cancelled',
      web1: 'ok',
    });
  });

  it('whose node was away is cancelled there when it comes back, before it could start', async () => {
    const ran = newFile('ran');
    await fleet.endAgent('web1');
    const job = await detach('--node', 'web1', '--until', '1h', ...shell(`echo ${NODE} >>${ran}`));
    const report = await fleet.report('job', 'cancel', job);
    expect(report).toMatchObject({ exit: 4, nodes: [{ node: 'web1', state: 'unreachable' }] });
    expect(report.nodes[0]?.reason).toContain('the cancel waits for it');
    await fleet.restartAgent('web1');
    expect(await fleet.report('job', 'follow', job)).toMatchObject({
      nodes: [{ node: 'web1', state: 'cancelled', code: 'cancelled-before-start' }],
    });
    // And over another restart.
    await fleet.restartAgent('web1');
    await fleet.run('exec', '--node', 'web1', '--', 'true');
    expect(linesOf(ran)).toEqual([]);
  });

  it('that ends while it is cancelled has one end, which everybody is told', async () => {
    const trial = async (): Promise<[unknown, unknown]> => {
      const job = await detach('--all', ...shell('sleep 0.1'));
      const cancelled = await fleet.report('job', 'cancel', job);
      const shown = await fleet.report('job', 'follow', job);
      const ended = cancelled.nodes.map(({ node, data }) => [
        node,
        (data as { commands: { state: string }[] }).commands[0]?.state,
      ]);
      return [Object.fromEntries(ended), statesOf(shown)];
    };
    for (const [told, recorded] of await Promise.all([trial(), trial(), trial()])) expect(told).toEqual(recorded);
  });

  it.skipIf(noTerminal() !== undefined)('is cancelled by a second Ctrl-C, and shown as it ended', async () => {
    const ran = newFile('ran');
    const cli = await startAtTerminal(fleet.cli, ['exec', '--all', ...shell(`echo $$ >>${ran}; exec sleep 600`)]);
    onTestFinished(async () => void (await cli.stop()));
    await waitFor(() => linesOf(ran).length === 3, { what: 'all nodes to run it' });
    cli.write('\u0003');
    await waitFor(() => cli.output().includes('Ctrl-C again'), { what: 'to be told what a second one does' });
    cli.write('\u0003');
    expect(await cli.ended).toMatchObject({ code: 130 });
    expect(cli.output()).toContain('3 cancelled');
    expect(linesOf(ran).map(Number).filter(isThere)).toEqual([]);
  });

  it.skipIf(noTerminal() !== undefined)('is not waited for any more after a third Ctrl-C', async () => {
    const { pids, script } = stubbornTree();
    const cli = await startAtTerminal(fleet.cli, ['exec', '--node', 'db1', ...script]);
    onTestFinished(async () => void (await cli.stop()));
    await waitFor(() => pids().length === 4, { what: 'the whole tree to be there' });
    for (const said of ['Ctrl-C again within', 'Ctrl-C again stops waiting', 'fleet job show']) {
      cli.write('\u0003');
      await waitFor(() => cli.output().includes(said), { what: `"${said}"` });
    }
    expect(await cli.ended).toMatchObject({ code: 130 });
    await waitFor(() => pids().filter(isThere).length === 0, { what: 'the tree to be gone all the same' });
  });

  it('in turns that is cancelled starts nothing new', async () => {
    const ran = newFile('ran');
    const cli = await fleet.cli.start(['exec', '--all', '--batch', '1', '-o', 'json', ...shell(`echo ${NODE} >>${ran}; exec sleep 600`)]); // prettier-ignore
    onTestFinished(async () => void (await cli.stop()));
    await waitFor(() => linesOf(ran).length === 1, { what: 'the first of them to run it' });
    const { jobs } = await fleet.cli.json<{ jobs: { job: string }[] }>('job', 'list', '--state', 'running');
    await fleet.run('job', 'cancel', jobs.at(-1)?.job ?? '');
    expect(await cli.ended).toMatchObject({ code: 4 });
    expect(statesOf(JSON.parse(cli.stdout()) as Report)).toEqual({ db1: 'cancelled', db2: 'skipped', web1: 'skipped' });
    expect(linesOf(ran)).toEqual(['db1']);
  });

  it('that is tried again runs where it was not done, and nowhere twice', async () => {
    const [ran, gate] = [newFile('ran'), newFile('gate')];
    await fleet.endAgent('db2');
    const script = shell(`echo ${NODE} >>${ran}; case ${NODE} in web1) [ -e ${gate} ];; esac`);
    const first = await fleet.report('exec', '--all', ...script);
    expect(statesOf(first)).toEqual({ db1: 'ok', db2: 'unreachable', web1: 'failed' });
    await fleet.restartAgent('db2');
    writeFileSync(gate, '');
    const again = await fleet.report('job', 'retry', first.job ?? '');
    expect(statesOf(again)).toEqual({ db2: 'ok', web1: 'ok' });
    expect((await fleet.report('job', 'show', again.job ?? '')).record).toMatchObject({ retryOf: first.job });
    expect(linesOf(ran)).toEqual(['db1', 'db2', 'web1', 'web1']);
    // What has done it since is known, too.
    const third = await fleet.report('job', 'retry', first.job ?? '');
    expect(third.nodes.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('done before'),
      expect.stringContaining('done before'),
    ]);
    expect((await fleet.run('job', 'retry', again.job ?? '')).exit).toBe(6);
    expect(linesOf(ran)).toEqual(['db1', 'db2', 'web1', 'web1']);
  });
});
