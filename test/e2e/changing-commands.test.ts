/** A command that changes something: it does so on the nodes that were named, after a yes where nobody was, and not in a dry run. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { noTerminal, startAtTerminal } from '../support/terminal.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a command that changes something', () => {
  let fleet: EmbeddedFleet;
  const children: Child[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({
      web1: { processes: { 'stray-worker': 2 } },
      web2: { processes: { 'stray-worker': 1 } },
      db1: {},
    });
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
  });
  afterAll(() => fleet.stop());

  const marker = (name: string): string => join(fleet.cli.folder, name);
  const touch = (path: string): string[] => ['--shell', '--', `echo "\${FLEET_EMBEDDED_NODE##*/}" >>${path}`];
  const ranOn = (path: string): string[] =>
    existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').toSorted() : [];

  it('does it where it was said, and nowhere else', async () => {
    const path = marker('some');
    const report = await fleet.report('exec', '--node', 'web*', '--exclude', 'web2', ...touch(path));
    expect(report).toMatchObject({ exit: 0, expected: 1 });
    expect(ranOn(path)).toEqual(['web1']);
  });

  it('does it everywhere with --all and with --yes, and asks nobody', async () => {
    const [all, yes] = [marker('all'), marker('yes')];
    await Promise.all([fleet.run('exec', '--all', ...touch(all)), fleet.run('exec', '--yes', ...touch(yes))]);
    expect([ranOn(all), ranOn(yes)]).toEqual([
      ['db1', 'web1', 'web2'],
      ['db1', 'web1', 'web2'],
    ]);
  });

  it('in a dry run says what it would do, and does nothing: exec, kill, and tasks with a check and without', async () => {
    const path = marker('dry');
    for (const node of ['web1', 'web2']) {
      const folder = join(fleet.node(node).folder, 'tasks.d');
      writeFileSync(
        join(folder, 'plain.yaml'),
        `argv: [touch, '{{path}}']\nparameters: { path: { required: true }, token: {} }\n`,
        { mode: 0o600 },
      );
      writeFileSync(
        join(folder, 'checked.yaml'),
        `argv: [touch, '{{path}}']\ncheck: [echo, 'would touch', '{{path}}']\nparameters: { path: {} }\n`,
        { mode: 0o600 },
      );
    }
    await Promise.all(['web1', 'web2'].map((node) => fleet.restartAgent(node)));
    await waitFor(async () => (await fleet.run('task', 'show', 'plain')).exit === 0, { what: 'the tasks to be known' });

    const [exec, kill, plain, checked] = await Promise.all([
      fleet.report('exec', '--dry-run', ...touch(path)),
      fleet.report('kill', '--dry-run', 'stray*'),
      fleet.report('run', '--dry-run', '--node', 'web1', 'plain', `path=${path}`),
      fleet.report('run', '--dry-run', '--node', 'web1', 'checked', `path=${path}`),
    ]);
    for (const report of [exec, kill, plain, checked]) expect(report).toMatchObject({ exit: 0, dryRun: true });
    expect(exec.nodes[0]).toMatchObject({ state: 'ok', reason: expect.stringContaining('would run: echo') as string });
    expect(plain.nodes[0]).toMatchObject({ state: 'ok', reason: `would run: touch ${path}` });
    expect(checked.nodes[0]).toMatchObject({ state: 'ok', data: { stdout: `would touch ${path}\n` } });
    const would = kill.nodes.map(({ node, data }) => [node, (data as { signalled: unknown[] }).signalled.length]);
    expect(would).toEqual([
      ['db1', 0],
      ['web1', 2],
      ['web2', 1],
    ]);
    expect(existsSync(path)).toBe(false);
    for (const pid of [...fleet.node('web1').processes, ...fleet.node('web2').processes])
      expect(existsSync(`/proc/${pid}`)).toBe(true);
    const after = await fleet.report('ps', 'stray-worker');
    expect(after.nodes.map(({ data }) => (data as { count: number }).count)).toEqual([0, 2, 1]);
  });

  it('is not a task that says that it changes nothing, where every node says so of its own', async () => {
    const define = (node: string, name: string, changes: boolean): void =>
      writeFileSync(
        join(fleet.node(node).folder, 'tasks.d', `${name}.yaml`),
        `argv: [echo, looked]\nchanges: ${changes}\n`,
        { mode: 0o600 },
      );
    for (const node of ['web1', 'web2']) define(node, 'look', false);
    define('web1', 'differ', true);
    define('web2', 'differ', false);
    await Promise.all(['web1', 'web2'].map((node) => fleet.restartAgent(node)));
    const offers = async (): Promise<string[]> => {
      const { tasks } = await fleet.cli.json<{ tasks: { task: { name: string }; nodes: string[] }[] }>('task', 'list');
      return tasks.flatMap(({ task, nodes }) => nodes.map((node) => `${task.name} ${node}`));
    };
    const wanted = ['look web1', 'look web2', 'differ web1', 'differ web2'];
    await waitFor(
      async () => {
        const known = await offers();
        return wanted.every((offer) => known.includes(offer));
      },
      { what: 'the tasks to be known' },
    );
    const [look, differ] = await Promise.all([fleet.report('run', 'look'), fleet.run('run', 'differ')]);
    expect(look).toMatchObject({ exit: 3, expected: 3, states: { ok: 2, refused: 1 } });
    expect(look.nodes[0]).toMatchObject({ node: 'db1', code: 'no-such-task' });
    expect(differ).toMatchObject({ exit: 2, stdout: '' });
    expect(differ.stderr).toContain('--all for the whole fleet');
  });

  describe.skipIf(noTerminal() !== undefined)('for the whole fleet at a terminal', () => {
    async function answer(key: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
      const cli = await startAtTerminal(fleet.cli, args);
      children.push(cli);
      await waitFor(() => cli.output().includes('[y/N]'), { what: 'the question' });
      cli.write(key);
      const { code } = await cli.ended;
      return { code, output: cli.output() };
    }

    it.each(['y', 'Y', 'yes'])('does it when the answer is %s', async (key) => {
      const path = marker(`answer-${key}`);
      const { code, output } = await answer(`${key}\r`, 'exec', ...touch(path));
      expect(output).toContain('This changes something on all 3 nodes of fleet main. Go on? [y/N]');
      expect(code).toBe(0);
      expect(ranOn(path)).toEqual(['db1', 'web1', 'web2']);
    });

    it.each([
      ['n', 'n\r'],
      ['nothing', '\r'],
      ['anything else', 'yesterday\r'],
      ['the end of the input', '\u0004'],
    ])('does nothing when the answer is %s', async (name, key) => {
      const path = marker(`no-${name}`);
      const { code, output } = await answer(key, 'exec', ...touch(`'${path}'`));
      expect(code).toBe(2);
      expect(output).toContain('fleet: nothing was sent');
      await fleet.run('ping');
      expect(existsSync(path)).toBe(false);
    });

    it('asks nothing when somebody was named, when nothing is done, or when nothing is changed', async () => {
      const commands = [
        ['exec', '--node', 'web1', '--', 'true'],
        ['exec', '--dry-run', '--', 'true'],
        ['exec', '--yes', '--', 'true'],
        ['ping'],
      ];
      for (const command of commands) {
        const cli = await startAtTerminal(fleet.cli, command);
        children.push(cli);
        expect((await cli.ended).code).toBe(0);
        expect(cli.output()).not.toContain('[y/N]');
      }
    });
  });
});
