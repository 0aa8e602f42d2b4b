/** Who is meant, against nodes that live: their facts decide, also where the inventory is behind them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { denyPublishing } from '../support/bus-tap.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a target', () => {
  let fleet: EmbeddedFleet;
  let context: string;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({
      db1: {
        facts: { role: 'db', site: 'north', disks_list: [{ name: 'sda' }, { name: 'sdb' }] },
        trusted: { zone: 'inner' },
      },
      db2: { facts: { role: 'db', site: 'south', cpus_wanted: 8 } },
      web01: { facts: { role: 'web', site: 'north', version: '2.10', tags: ['blue', 'edge'] } },
      web02: { facts: { role: 'web', site: 'south', version: '2.9', tags: [] } },
      web10: { facts: { role: 'web', site: 'south', maintenance: true } },
    });
    context = join(fleet.cli.folder, 'context.json');
    writeFileSync(
      context,
      JSON.stringify({
        servers: [fleet.state.server],
        tls: { caFile: join(fleet.folder, 'tls', 'ca.pem') },
        identity: join(fleet.folder, 'operator.json'),
        groups: {
          northern: { where: ['site=north'] },
          webs: { node: ['web*'], exclude: ['web10'] },
        },
        defaults: { ackTimeout: '3s' },
      }),
      { mode: 0o600 },
    );
  });
  afterAll(() => fleet.stop());

  /** Names that the command line gives for each target, asked for all at once. */
  async function namesOf(targets: readonly (readonly string[])[]): Promise<string[]> {
    const AT_ONCE = 6;
    const names: string[] = [];
    for (let at = 0; at < targets.length; at += AT_ONCE) {
      const some = targets.slice(at, at + AT_ONCE);
      const results = await Promise.all(some.map((target) => fleet.run('find', '-o', 'names', '-q', ...target)));
      names.push(...results.map(({ stdout }) => stdout.trim().replaceAll('\n', ' ')));
    }
    return names;
  }
  async function expectTargets(cases: readonly (readonly [target: string[], names: string])[]): Promise<void> {
    const found = await namesOf(cases.map(([target]) => target));
    expect(cases.map(([target], at) => [target.join(' '), found[at]])).toEqual(
      cases.map(([target, names]) => [target.join(' '), names]),
    );
  }

  it('is sent by a fact that all of them are indexed by, and says so when asked', async () => {
    const by = async (...words: string[]): Promise<string> => (await fleet.run('ping', '--explain', ...words)).stderr;
    expect(await by('--where', 'role=web and site=south')).toContain(
      '2 of 5 nodes match role=web and site=south; sent once, by role=web: wakes 3 nodes',
    );
    expect(await by('--where', 'site=south')).toContain('sent once, to the whole fleet: wakes 5 nodes');
    expect(await by('--node', 'web01')).toContain('sent to each of them');
    const pinged = await fleet.report('ping', '--where', 'role=web and site=south');
    expect(pinged).toMatchObject({ states: { ok: 2 }, exit: 0 });
  });

  it('is an expression over facts', () =>
    expectTargets([
      [['--where', 'role=db'], 'db1 db2'],
      [['--where', 'role=db', '--where', 'site=north'], 'db1'],
      [['--where', 'role=db and not site=north'], 'db2'],
      [['--where', 'site!=north'], 'db2 web02 web10'],
      [['--where', 'not has(maintenance)'], 'db1 db2 web01 web02'],
      [['--where', 'maintenance'], 'web10'],
      [['--where', 'version > 2.9'], 'web01'],
      [['--where', 'cpus_wanted=08'], 'db2'],
      [['--where', 'tags=edge or tags!=edge'], 'web01 web02'],
      [['--where', 'disks_list.name in (sdb, sdc)'], 'db1'],
      [['--where', 'name =~ /^web0/ && site = s*'], 'web02'],
      [['--where', 'trusted.zone=inner'], 'db1'],
      [['--where', 'ip in 127.0.0.0/8 or os.family=*'], 'db1 db2 web01 web02 web10'],
    ]));

  it('is names, globs, folded sets and patterns, and what is left out of them', () =>
    expectTargets([
      [['--node', 'db1', '--node', 'web10'], 'db1 web10'],
      [['--node', 'web*'], 'web01 web02 web10'],
      [['--node', 'web[01-02]'], 'web01 web02'],
      [['--node', '/^(db|web)\\d?1$/'], 'db1 web01'],
      [['--node', 'web*', '--exclude', 'web1*'], 'web01 web02'],
      [['--exclude', 'db[1-2]', '--exclude', '/0$/'], 'web01 web02'],
      [['--node', 'web*', '--where', 'site=south'], 'web02 web10'],
    ]));

  it('is a group of the context file, and all that is said beside it', () => {
    const inGroup = (...rest: string[]): string[] => ['--context', context, ...rest];
    return expectTargets([
      [inGroup('--group', 'northern'), 'db1 web01'],
      [inGroup('--group', 'webs'), 'web01 web02'],
      [inGroup('--group', 'webs', '--group', 'northern'), 'web01'],
      [inGroup('--group', 'webs', '--where', 'site=south'), 'web02'],
    ]);
  });

  it('is a list in a file or on standard input, as another command gives it', async () => {
    const list = join(fleet.cli.folder, 'list');
    writeFileSync(list, '# the first two\ndb1\n  web02  # and this\n\n');
    await expectTargets([
      [['--nodes-from', list], 'db1 web02'],
      [['--nodes-from', list, '--where', 'role=db'], 'db1'],
    ]);
    const { stdout } = await fleet.run('find', '--where', 'site=south', '-o', 'names', '-q');
    const piped = await fleet.cli.runWith({ stdin: stdout }, 'find', '--nodes-from', '-', '-o', 'names', '-q');
    expect(piped).toEqual({ exit: 0, stdout: 'db2\nweb02\nweb10\n', stderr: '' });
  });

  it('is a number or a share of nodes, the same ones for the same seed', async () => {
    const draws = await namesOf([
      ['--limit', '2', '--seed', 'a'],
      ['--limit', '2', '--seed', 'a'],
      ['--limit', '40%', '--seed', 'a'],
      ['--limit', '1%', '--seed', 'b'],
      ['--limit', '99', '--seed', 'a'],
    ]);
    expect(draws.map((names) => names.split(' ').length)).toEqual([2, 2, 2, 1, 5]);
    expect(new Set(draws.slice(0, 3)).size).toBe(1);
    // A seed that was drawn is said, so that it can be drawn again.
    const drawn = await fleet.run('find', '--limit', '2', '-o', 'json');
    const { target, nodes } = JSON.parse(drawn.stdout) as Report;
    const seed = String(target['seed']);
    expect(drawn.stderr).toContain(`--limit drew 2 nodes; --seed ${seed} draws the same again`);
    expect(await namesOf([['--limit', '2', '--seed', seed]])).toEqual([nodes.map(({ node }) => node).join(' ')]);
  });

  it('over facts that change by the minute is decided by the nodes: who does not match says so, and is counted apart', async () => {
    const [some, none, freshly] = await Promise.all([
      fleet.report('ping', '--where', 'memory.available > 1 and role=db'),
      fleet.report('exec', '--where', 'uptime < 1s and role=web', '--', 'true'),
      fleet.report('ping', '--where', 'role=db', '--fresh'),
    ]);
    expect(some).toMatchObject({ exit: 0, expected: 2, states: { ok: 2 }, unmatched: 0 });
    expect(none).toMatchObject({ exit: 6, expected: 3, states: {}, unmatched: 3, nodes: [] });
    expect(freshly).toMatchObject({ exit: 0, expected: 5, states: { ok: 2 }, unmatched: 3 });
  });

  describe('whose facts have changed since the inventory was written', () => {
    beforeAll(async () => {
      await setRings({ web01: 'one', web02: 'one', web10: 'two' });
      const stored = async (): Promise<string> =>
        (await fleet.run('inventory', '--where', 'ring=one', '-o', 'names', '-q')).stdout;
      await waitFor(async () => (await stored()) === 'web01\nweb02\n', { what: 'the inventory to have the facts' });
      await forbidInventory(['web02', 'web10']);
      await setRings({ web02: 'two', web10: 'one' });
    });

    async function setRings(rings: Record<string, string>): Promise<void> {
      for (const [node, ring] of Object.entries(rings))
        writeFileSync(join(fleet.node(node).folder, 'facts.d', 'ring.yaml'), `ring: ${ring}\n`, { mode: 0o600 });
      const target = Object.keys(rings).flatMap((node) => ['--node', node]);
      // A node looks at its files once a minute; asked for fresh facts it does at once.
      const { nodes } = await fleet.report('facts', 'ring', '--fresh', ...target);
      const said = Object.fromEntries(nodes.map(({ node, data }) => [node, (data as { ring: string }).ring]));
      if (JSON.stringify(said) !== JSON.stringify(rings)) throw new Error(`not yet: ${JSON.stringify(said)}`);
    }

    /** From now on the bus takes nothing from these nodes that would change their entries. */
    async function forbidInventory(nodes: readonly string[]): Promise<void> {
      for (const node of nodes)
        await denyPublishing(fleet, node, [`fleet.main.inv.${node}`, `fleet.main.inv.${node}.facts`]);
      await waitFor(async () => (await fleet.run('ping', ...nodes.flatMap((node) => ['--node', node]))).exit === 0, {
        what: 'the nodes to be connected again',
      });
    }

    it('is still in the inventory as they were', async () => {
      const { stdout } = await fleet.run('inventory', '--where', 'ring=one', '-o', 'names', '-q');
      expect(stdout).toBe('web01\nweb02\n');
    });

    it('leaves out who no longer matches, and shows who newly does when it only reads', async () => {
      const report = await fleet.report('ping', '--where', 'ring=one', '--ack-timeout', '3s');
      expect(report).toMatchObject({ exit: 0, expected: 2, unmatched: 1, states: { ok: 2 } });
      expect(report.nodes).toEqual([
        expect.not.objectContaining({ unexpected: true }),
        expect.objectContaining({ node: 'web10', state: 'ok', unexpected: true }),
      ]);
      const { stderr } = await fleet.run('ping', '--where', 'ring=one', '--ack-timeout', '3s');
      expect(stderr).toMatch(/^2 nodes: 2 ok · 1 unexpected · 1 no longer matching · /);
    });

    it('is bound to who was named when it changes something', async () => {
      const ran = join(fleet.cli.folder, 'ran');
      const script = `echo "\${FLEET_EMBEDDED_NODE##*/}" >>${ran}`;
      const report = await fleet.report('exec', '--where', 'ring=one', '--shell', '--', script);
      expect(report).toMatchObject({
        exit: 0,
        expected: 2,
        unmatched: 1,
        states: { ok: 1 },
        nodes: [{ node: 'web01' }],
      });
      expect(readFileSync(ran, 'utf8')).toBe('web01\n');
    });

    it('is what they are now with --fresh', async () => {
      const report = await fleet.report('exec', '--where', 'ring=one', '--fresh', '--', 'true');
      expect(report).toMatchObject({ exit: 0, expected: 5, unmatched: 3, states: { ok: 2 } });
      expect(report.nodes.map(({ node }) => node)).toEqual(['web01', 'web10']);
    });
  });
});
