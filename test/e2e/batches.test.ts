/**
 * Batches on real agents. What ran where is known from files that the nodes themselves write to: a line when a command
 * starts there, a line when it ends.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { BatchTrial } from '../support/batch-trial.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { noTerminal, startAtTerminal } from '../support/terminal.ts';
import { waitFor } from '../support/wait-for.ts';

const INTERRUPTED = 130;
/** In their natural order. */
const NODES = ['n1', 'n2', 'n3', 'n9', 'n10', 'n11'];

describe('a command in batches', () => {
  let fleet: EmbeddedFleet;
  const children: Child[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({
      ...Object.fromEntries(NODES.map((name) => [name, { facts: { role: 'n' } }])),
      gone: { facts: { role: 'other' } },
    });
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
  });
  afterAll(() => fleet.stop());

  let trials = 0;
  function trial(): BatchTrial {
    return new BatchTrial(join(fleet.cli.folder, `trial${++trials}`));
  }

  const start = async (...args: string[]): Promise<Child> => {
    const child = await fleet.cli.start(args, { holdsStdin: true });
    children.push(child);
    return child;
  };
  const statesOf = ({ nodes }: Pick<Report, 'nodes'>): Record<string, string> =>
    Object.fromEntries(nodes.map(({ node, state }) => [node, state]));
  const ROLE = ['exec', '--where', 'role=n'];

  it('one at a time runs in the order of names, each after the one before it has ended', async () => {
    const course = trial();
    const report = await fleet.report(...ROLE, '--batch', '1', ...course.script);
    expect(report).toMatchObject({ exit: 0, batch: { window: 1, tolerated: null, worstCase: 6, stopped: null } });
    expect(course.lines()).toEqual(NODES.flatMap((node) => [`start ${node}`, `end ${node}`]));
  });

  it('goes on beside a slow node: its place in the window is all that it holds', async () => {
    const course = trial();
    course.hold('n1');
    const cli = await start(...ROLE, '--batch', '2', '-o', 'ndjson', ...course.script);
    await waitFor(() => course.ended('n11'), { what: 'the last node to have run beside the first' });
    expect(course.lines().filter((line) => line !== 'start n1')).toEqual(
      NODES.slice(1).flatMap((node) => [`start ${node}`, `end ${node}`]),
    );
    expect(course.ended('n1')).toBe(false);
    course.release('n1');
    expect(await cli.ended).toMatchObject({ code: 0 });
  });

  it('takes a share of the nodes, rounded down', async () => {
    const course = trial();
    const report = await fleet.report(...ROLE, '--batch', '49%', '--max-failures', '33%', ...course.script);
    expect(report).toMatchObject({ exit: 0, batch: { window: 2, tolerated: 1, worstCase: 3 } });
    expect(course.started().toSorted()).toEqual(NODES.toSorted());
    let underWay = 0;
    for (const line of course.lines()) {
      underWay += line.startsWith('start') ? 1 : -1;
      expect(underWay).toBeLessThanOrEqual(2);
    }
  });

  it('starts the rest only after the canaries, of which all ended ok', async () => {
    const course = trial();
    course.hold('n2');
    const cli = await start(...ROLE, '--canary', '2', ...course.script);
    await waitFor(() => course.lines().includes('end n1') && course.started().includes('n2'), {
      what: 'both canaries to have started',
    });
    course.release('n2');
    expect(await cli.ended).toMatchObject({ code: 0 });
    expect(course.lines().slice(0, 4).toSorted()).toEqual(['end n1', 'end n2', 'start n1', 'start n2']);
    expect(course.started()).toHaveLength(NODES.length);
    expect(cli.stderr()).toContain(
      'At worst 4 of 6 nodes are hurt before it stops: 2 canaries first, then all at once',
    );
  });

  it('leaves the rest alone after a canary that failed, whatever may fail, and says why', async () => {
    const course = trial();
    course.fail('n1');
    const report = await fleet.report(...ROLE, '--canary', '1', '--max-failures', '5', ...course.script);
    expect(course.started()).toEqual(['n1']);
    expect(report).toMatchObject({
      exit: 4,
      expected: 6,
      states: { failed: 1, skipped: 5 },
      batch: { canaries: 1, stopped: 'canary-failed' },
    });
    expect(report.nodes.find(({ node }) => node === 'n9')).toEqual({
      node: 'n9',
      state: 'skipped',
      code: 'canary-failed',
      reason: 'never started: the canary n1 ended failed',
      data: null,
      ms: null,
    });
  });

  it('takes the next node for a canary where one no longer matches', async () => {
    const course = trial();
    course.fail('n1');
    // Asked itself, the first by name says that it is another's.
    const report = await fleet.report(...ROLE, '--fresh', '--canary', '1', ...course.script);
    expect(course.started()).toEqual(['n1']);
    expect(report).toMatchObject({ expected: 7, unmatched: 1, states: { failed: 1, skipped: 5 } });
  });

  it('seals a secret to each node at its turn', async () => {
    const file = join(fleet.cli.folder, 'secret');
    writeFileSync(file, 'hunter2', { mode: 0o600 });
    const { exit, states } = await fleet.report(
      'exec', '--node', 'n[1-3]', '--batch', '1', '--secret-env', `KEY=@${file}`, '--shell', '--', '[ "$KEY" = hunter2 ]',
    ); // prettier-ignore
    expect([exit, states]).toEqual([0, { ok: 3 }]);
  });

  it('starts nothing after one more failure than tolerated; who is under way then ends, and the rest is skipped', async () => {
    const course = trial();
    // Failures that come together would leave n3 out: the second one waits until n3 has taken the place of the first.
    course.hold('n2');
    course.hold('n3');
    course.fail('n1', 'n2');
    const cli = await start(...ROLE, '--batch', '2', '--max-failures', '1', '-o', 'ndjson', ...course.script);
    await waitFor(() => course.started().includes('n3') || undefined, { what: 'n3 to start' });
    course.release('n2');
    const lines = (): Record<string, unknown>[] =>
      cli.stdout().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>); // prettier-ignore
    await waitFor(() => lines().some(({ state }) => state === 'skipped'), { what: 'the rest to be skipped' });
    expect(course.ended('n3')).toBe(false);
    course.release('n3');
    expect(await cli.ended).toMatchObject({ code: 3 });
    expect(course.started().toSorted()).toEqual(['n1', 'n2', 'n3']);
    const summary = lines().at(-1) ?? {};
    const nodes = lines().slice(0, -1) as unknown as Report['nodes'];
    expect(statesOf({ nodes })).toEqual({
      n1: 'failed',
      n2: 'failed',
      n3: 'ok',
      n9: 'skipped',
      n10: 'skipped',
      n11: 'skipped',
    });
    expect(nodes.find(({ node }) => node === 'n10')).toMatchObject({
      code: 'failure-limit',
      reason: 'never started: 2 failed, and no more than 1 may (--max-failures)',
    });
    expect(summary).toMatchObject({ type: 'summary', exit: 3, states: { ok: 1, failed: 2, skipped: 3 } });
    expect(cli.stderr()).toContain(
      'At worst 3 of 6 nodes are hurt before it stops: 2 at a time, 1 failure is tolerated.',
    );
  });

  it('goes on while failures are within the limit', async () => {
    const course = trial();
    course.fail('n2', 'n9');
    const report = await fleet.report(...ROLE, '--batch', '1', '--max-failures', '2', ...course.script);
    expect(report).toMatchObject({ exit: 3, states: { ok: 4, failed: 2 }, batch: { stopped: null } });
    expect(course.started()).toEqual(NODES);
  });

  it('counts a node that is away as a failure, when its turn has come, and waits for it alone', async () => {
    const course = trial();
    await fleet.endAgent('gone');
    try {
      const nodes = ['--node', 'gone', '--node', 'n[1-3]'];
      const quick = ['--ack-timeout', '2s', '--batch', '2'];
      const tolerant = await fleet.report('exec', ...nodes, ...quick, '--max-failures', '1', ...course.script);
      expect(tolerant).toMatchObject({ exit: 3, states: { ok: 3, unreachable: 1 } });
      expect(course.started()).toEqual(['n1', 'n2', 'n3']);
      const strict = await fleet.report(
        'exec',
        ...nodes,
        ...quick,
        '--batch',
        '1',
        '--max-failures',
        '0',
        ...course.script,
      );
      expect(strict).toMatchObject({ exit: 4, states: { unreachable: 1, skipped: 3 } });
      expect(course.started()).toHaveLength(3);
    } finally {
      await fleet.restartAgent('gone');
    }
  });

  it('starts nothing more after Ctrl-C, and says who was never started', async () => {
    const course = trial();
    course.hold('n2');
    const cli = await start(...ROLE, '--batch', '1', '-o', 'json', ...course.script);
    await waitFor(() => course.started().includes('n2'), { what: 'the second node to run' });
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: INTERRUPTED });
    const report = JSON.parse(cli.stdout()) as Report;
    expect(report).toMatchObject({
      exit: INTERRUPTED,
      states: { ok: 1, skipped: 4 },
      batch: { stopped: 'interrupted' },
    });
    expect(statesOf(report)).toMatchObject({ n1: 'ok', n3: 'skipped', n9: 'skipped', n10: 'skipped', n11: 'skipped' });
    expect(cli.stderr()).toContain('Detached: 1 node is not waited for any more; 4 nodes were never started.');
    course.release('n2');
    await waitFor(() => course.ended('n2'), { what: 'what was under way to go on to its end' });
    // Whatever had been sent before is at the node before this.
    await fleet.run('ping');
    expect(course.started()).toEqual(['n1', 'n2']);
  });

  it('ends at the deadline of the whole: what had no turn by then is skipped', async () => {
    const course = trial();
    const report = await fleet.report(
      'exec', '--node', 'n1', '--node', 'n2', '--batch', '1', '--batch-pause', '1h', '--deadline', '6s', ...course.script,
    ); // prettier-ignore
    expect(report).toMatchObject({ exit: 3, states: { ok: 1, skipped: 1 }, batch: { stopped: 'deadline' } });
    expect(course.started()).toEqual(['n1']);
  });

  it('does no harm to a command that reads, and the defaults of a context are not for it', async () => {
    const context = join(fleet.folder, 'context.yaml');
    const plain = readFileSync(context, 'utf8');
    const course = trial();
    try {
      const values = JSON.parse(plain) as { defaults: object };
      const defaults = { ...values.defaults, batch: 2, canary: 1, maxFailures: '50%', batchPause: '1ms' };
      writeFileSync(context, JSON.stringify({ ...values, defaults }));
      const ping = await fleet.report('ping');
      expect(ping).toMatchObject({ exit: 0, expected: 7 });
      expect(ping).not.toHaveProperty('batch');
      const batched = { window: 2, canaries: 1, tolerated: 3, pauseMs: 1 };
      expect(await fleet.report(...ROLE, ...course.script)).toMatchObject({ exit: 0, batch: batched });
      expect(course.started()[0]).toBe('n1');
      expect(await fleet.report(...ROLE, '--canary', '0', '--batch', '100%', ...course.script)).toMatchObject({
        batch: { window: 6, canaries: 0 },
      });
      expect(await fleet.report('ping', '--batch', '3')).toMatchObject({ exit: 0, batch: { window: 3 } });
    } finally {
      writeFileSync(context, plain);
    }
  });

  it('refuses what makes no sense before it connects', async () => {
    const course = trial();
    for (const flags of [
      ['--batch', '0'],
      ['--batch', '101%'],
      ['--canary', '10%'],
      ['--max-failures', '-1'],
      ['--batch', '2', '--batch-pause', 'soon'],
      ['--batch-pause', '5s'],
    ]) {
      const { exit, stderr } = await fleet.run(...ROLE, ...flags, ...course.script);
      expect([flags, exit, stderr]).toEqual([flags, 2, expect.stringContaining(flags.at(-2) ?? '')]);
    }
    expect(course.started()).toEqual([]);
  });

  it.skipIf(noTerminal() !== undefined)('asks with the worst case in the question', async () => {
    const course = trial();
    const cli = await startAtTerminal(fleet.cli, [
      'exec',
      '-q',
      '--batch',
      '1',
      '--max-failures',
      '1',
      ...course.script,
    ]);
    children.push(cli);
    await waitFor(() => cli.output().includes('[y/N]'), { what: 'the question' });
    expect(cli.output()).toContain('on all 7 nodes of fleet main (at worst 2 of 7 nodes are hurt). Go on?');
    cli.write('n\r');
    expect(await cli.ended).toMatchObject({ code: 2 });
    expect(course.started()).toEqual([]);
  });
});
