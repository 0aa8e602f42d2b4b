/** What programs write, seen while they write it, and read whole afterwards: lines, objects, files; through harm to the bus. */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { startChild, type Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { FLEET_PROGRAM } from '../support/fleet-cli.ts';
import { waitFor } from '../support/wait-for.ts';

interface OutputLine {
  readonly type: string;
  readonly node: string;
  readonly stream: 'stdout' | 'stderr';
  readonly offset: number;
  readonly text?: string;
  readonly base64?: string;
  readonly missing?: number;
}

const NODES = ['db1', 'db2', 'web1'];

let fleet: EmbeddedFleet;
let folder: string;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ db1: {}, db2: {}, web1: {} });
  folder = mkdtempSync(join(tmpdir(), 'fleet-output-'));
});
afterAll(async () => {
  await fleet?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let gates = 0;
/** A place in the file system that a program waits for. */
const gate = (): { readonly path: string; open(): void } => {
  const path = join(folder, `gate${++gates}`);
  return { path, open: () => writeFileSync(path, '') };
};
const waitingFor = (path: string): string => `while [ ! -e '${path}' ]; do sleep 0.05; done`;
const linesOf = (text: string): OutputLine[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as OutputLine])); // prettier-ignore
/** The bytes of one stream, as the objects of it have them. @throws Error where something is missing or doubled */
function bytesOf(lines: readonly OutputLine[], node: string, stream: 'stdout' | 'stderr'): Buffer {
  const parts = lines.filter((line) => line.type === 'output' && line.node === node && line.stream === stream);
  let next = 0;
  return Buffer.concat(
    parts.map(({ offset, text, base64 }) => {
      if (offset !== next) throw new Error(`${node} has ${next} bytes, and then those from ${offset} on`);
      const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
      next += bytes.length;
      return bytes;
    }),
  );
}

/** What `seq` writes. */
function sequenceHash(last: number, first = 1): string {
  const hash = createHash('sha256');
  for (let at = first; at <= last; at += 10_000)
    hash.update(Array.from({ length: Math.min(10_000, last - at + 1) }, (_, more) => `${at + more}\n`).join(''));
  return hash.digest('hex');
}
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const fileHash = (...path: readonly string[]): string => hashOf(readFileSync(join(folder, ...path)));

const shown = (child: Child, what: string): Promise<unknown> =>
  waitFor(() => child.stdout().includes(what), { what: `${JSON.stringify(what)} on the screen`, timeoutMs: 30_000 });

/** As the record has it, by now. */
const endedIn = async (job: string): Promise<number> => (await fleet.report('job', 'show', job)).states.ok ?? 0;

describe('exec --live', () => {
  it('shows whole lines while the program runs, each with its node, and how it ended below', async () => {
    const { path, open } = gate();
    const program = `printf 'gr\\303'; sleep 0.3; printf '\\274n\\nhalf'; echo oh >&2; ${waitingFor(path)}; echo ' done'; exit 3`;
    const cli = await fleet.cli.start(['exec', '--node', 'db*', '--live', '--shell', '--', program]);
    for (const line of ['db1 | grün\n', 'db2 | grün\n', 'db1 ! oh\n', 'db2 ! oh\n']) await shown(cli, line);
    expect(cli.stdout()).not.toContain('half');
    open();
    expect((await cli.ended).code).toBe(4);
    const lines = cli.stdout().split('\n');
    for (const node of ['db1', 'db2']) {
      expect(lines.filter((line) => line.startsWith(`${node} |`))).toEqual([`${node} | grün`, `${node} | half done`]);
      expect(lines.filter((line) => line.startsWith(`${node} !`))).toEqual([`${node} ! oh`]);
    }
    expect(cli.stdout()).toMatch(/\ndb\[1-2\] · failed · exit 3 · 2 nodes\n$/);
  });

  it('gives objects with every byte at its place, text or not, and the same in files', async () => {
    const program = `i=0; while [ $i -lt 2000 ]; do echo "Zeile $i – ä€🙂"; i=$((i+1)); done; printf '\\377\\376' >&2; sleep 0.4; printf end`;
    const words = ['--output-dir', join(folder, 'objects'), '-o', 'ndjson', '--shell', '--', program];
    const cli = await fleet.run('exec', '--node', 'db*', '--live', ...words);
    expect(cli.exit).toBe(0);
    const lines = linesOf(cli.stdout);
    const wanted = `${Array.from({ length: 2000 }, (_, at) => `Zeile ${at} – ä€🙂\n`).join('')}end`;
    for (const node of ['db1', 'db2']) {
      expect(bytesOf(lines, node, 'stdout').toString()).toBe(wanted);
      expect(bytesOf(lines, node, 'stderr')).toEqual(Buffer.from([0xff, 0xfe]));
      expect(lines.filter((line) => line.node === node && line.base64 !== undefined)).toHaveLength(1);
      expect(readFileSync(join(folder, 'objects', node, 'stdout'), 'utf8')).toBe(wanted);
      expect(readFileSync(join(folder, 'objects', node, 'stderr'))).toEqual(Buffer.from([0xff, 0xfe]));
    }
    expect(lines.at(-1)?.type).toBe('summary');
    const again = await fleet.run('exec', '--node', 'db1', '--output-dir', join(folder, 'objects'), '--', 'true');
    expect(again).toMatchObject({ exit: 2, stdout: '' });
    expect(again.stderr).toContain('is not empty');
  });

  it('of what is not recorded goes on beyond the first 64 KiB, within credit', async () => {
    const cli = await fleet.run('exec', '--no-record', '--node', 'db1', '--output-dir', join(folder, 'unrecorded'), '--', 'seq', '200000'); // prettier-ignore
    expect(cli.exit).toBe(0);
    expect(fileHash('unrecorded', 'db1', 'stdout')).toBe(sequenceHash(200_000));
    expect(cli.stderr).not.toMatch(/missing|dropped/);
    expect((await fleet.counters('db1'))['credit']).toBeGreaterThan(5);
  });

  it("can't go with one document, or with --detach", async () => {
    const wrong = [
      ['--live', '-o', 'json'],
      ['--live', '--detach'],
      ['--output-dir', join(folder, 'x'), '--detach'],
    ];
    for (const words of wrong)
      expect(await fleet.run('exec', '--node', 'db1', ...words, '--', 'true')).toMatchObject({ exit: 2, stdout: '' });
    expect(readdirSync(folder)).not.toContain('x');
  });
});

describe('at full speed', () => {
  it('a hundred megabytes from three nodes come whole', async () => {
    const lines = 4_500_000;
    const cli = await fleet.run('exec', '--all', '--output-dir', join(folder, 'large'), '--timeout', '2m', '--', 'seq', String(lines)); // prettier-ignore
    expect(cli.exit).toBe(0);
    expect(cli.stderr).not.toMatch(/missing|dropped|digest/);
    const wanted = sequenceHash(lines);
    for (const node of NODES) expect(fileHash('large', node, 'stdout')).toBe(wanted);
    for (const node of NODES) expect(fileHash('large', node, 'stderr')).toBe(hashOf(new Uint8Array()));
  }, 120_000);

  it('output waits in the bus for who is slow to read it, and how nodes ended does not wait', async () => {
    const lines = 1_400_000;
    const { path, open } = gate();
    const file = join(folder, 'slow');
    // Whoever reads stops after a little, and goes on when the file is there.
    const reader = `"$@" | { head -c 100000; ${waitingFor(path)}; cat; } > '${file}'`;
    const words = ['exec', '--all', '--live', '-o', 'ndjson', '--timeout', '2m', '--', 'seq', String(lines)];
    const args = ['-c', reader, 'sh', process.execPath, FLEET_PROGRAM, ...words];
    const cli = await startChild('/bin/sh', args, { env: fleet.cli.env });
    // Running, or ended on its nodes by then: its terminal has not.
    const begun = async (): Promise<string | undefined> => {
      const list = await fleet.run('job', 'list', '-o', 'json');
      const { jobs } = JSON.parse(list.stdout) as { jobs: { job: string; what: string }[] };
      return jobs.find(({ what }) => what.includes(String(lines)))?.job;
    };
    const job = await waitFor(begun, { what: 'the job', timeoutMs: 30_000 });
    await waitFor(async () => (await endedIn(job)) === 3, { what: 'all nodes to have ended', timeoutMs: 60_000 });
    expect(cli.isRunning()).toBe(true);
    open();
    await cli.ended;
    const found = linesOf(readFileSync(file, 'utf8'));
    for (const node of NODES) expect(hashOf(bytesOf(found, node, 'stdout'))).toBe(sequenceHash(lines));
  }, 120_000);
});

describe('from the record', () => {
  it('a job is followed from the beginning of its output, through the death of the bus and of an agent', async () => {
    const [first, second] = [gate(), gate()];
    const program = `seq 1 10000; ${waitingFor(first.path)}; seq 10001 20000; ${waitingFor(second.path)}; seq 20001 300000`;
    const detached = await fleet.run('exec', '--all', '--detach', '--timeout', '5m', '--shell', '--', program);
    const job = detached.stdout.trim();
    const follow = await fleet.cli.start(['job', 'follow', job, '--live']);
    for (const node of NODES) await shown(follow, `${node.padEnd(4)} | 10000\n`);
    await fleet.endBus();
    first.open();
    await fleet.startBus();
    await waitFor(async () => (await fleet.run('job', 'show', job, 'web1')).stdout.includes('web1 | 20000\n'), { what: 'what came while the bus was away', timeoutMs: 40_000 }); // prettier-ignore
    await fleet.restartAgent('db1', 'SIGKILL');
    second.open();
    const out = await fleet.run('job', 'follow', job, '--output-dir', join(folder, 'followed'));
    expect(out).toMatchObject({ exit: 0 });
    expect(out.stderr).not.toMatch(/missing|dropped|digest/);
    for (const node of NODES) expect(fileHash('followed', node, 'stdout')).toBe(sequenceHash(300_000));
    await follow.stop();
  }, 120_000);

  it('the whole output of one node is shown later, and nothing of the others', async () => {
    const { job } = await fleet.report('exec', '--node', 'db*', '--shell', '--', 'seq 60000; echo oh >&2');
    const shownLater = await fleet.run('job', 'show', job ?? '', 'db2');
    expect(shownLater.exit).toBe(0);
    const lines = shownLater.stdout.split('\n').filter((line) => line.startsWith('db2 |'));
    expect(lines).toEqual(Array.from({ length: 60_000 }, (_, at) => `db2 | ${at + 1}`));
    expect(shownLater.stdout).toContain('db2 ! oh\n');
    expect(shownLater.stdout).not.toContain('db1');
    expect(await fleet.report('job', 'show', job ?? '', 'db1')).toMatchObject({ expected: 1, states: { ok: 1 } });
    expect(await fleet.run('job', 'show', job ?? '', 'web1')).toMatchObject({ exit: 2, stdout: '' });
  });
});

describe('fleet logs', () => {
  it('shows a log as it is written, from where its owner lets it be read', async () => {
    const file = join(folder, 'app.log');
    writeFileSync(file, 'one\ntwo\nthree\n');
    for (const node of ['db1', 'db2']) {
      appendFileSync(join(fleet.node(node).folder, 'agent.yaml'), `\nlogs:\n  folders: ['${folder}']\n`);
      await fleet.restartAgent(node);
    }
    const cli = await fleet.cli.start(['logs', file, '--node', 'db*', '--follow', '--lines', '2']);
    for (const node of ['db1', 'db2']) await shown(cli, `${node} | two\n${node} | three\n`);
    appendFileSync(file, 'four\n');
    for (const node of ['db1', 'db2']) await shown(cli, `${node} | four\n`);
    expect(cli.stdout()).not.toContain('one');
    cli.kill('SIGINT');
    expect((await cli.ended).code).toBe(130);
    expect(cli.stderr()).toContain('2 nodes · 2 nodes not watched any more');
    expect(cli.stderr()).not.toContain('lost');
    // At once, and not when no credit has come for minutes.
    await waitFor(
      async () => {
        const { stdout } = await fleet.run('audit', 'search', '--action', 'logs.read', '-o', 'ndjson');
        return ['db1', 'db2'].every((node) => stdout.split('\n').some((line) => line.includes(`"${node}"`) && line.includes('cancelled'))); // prettier-ignore
      },
      { what: 'the reading to have ended on its nodes' },
    );
    const found = await fleet.run('logs', file, '--node', 'db1', '--grep', '^t', '-o', 'json');
    const { nodes } = JSON.parse(found.stdout) as Report;
    expect(nodes[0]?.data).toMatchObject({ stdout: 'two\nthree\n' });
    const refused = await fleet.run('logs', file, '--node', 'web1');
    expect(refused.exit).toBe(7);
    expect(refused.stderr).toContain('logs.folders in agent.yaml');
  });
});
