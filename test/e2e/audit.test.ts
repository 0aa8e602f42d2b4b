/** The audit trail as people use it: what was asked and done is found, told as a story, and verified. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlainRecord } from '../../controller/audit/plain-record.ts';
import type { WriterVerdict } from '../../controller/audit/verify.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

interface Found {
  readonly records: readonly PlainRecord[];
  readonly found: number;
  readonly leftOut: number;
}

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({
    db1: { facts: { role: 'db' } },
    db2: { facts: { role: 'db' } },
    web1: {},
    app1: {},
  });
});
afterAll(() => fleet?.stop());

const search = (...flags: readonly string[]): Promise<Found> => fleet.cli.json<Found>('audit', 'search', ...flags);

/** Nodes store what they write within seconds: searches until so many records are there. */
const records = (count: number, ...flags: readonly string[]): Promise<readonly PlainRecord[]> =>
  waitFor(
    async () => {
      const found = await search(...flags);
      return found.records.length >= count && found.records;
    },
    { what: `${count} records of ${flags.join(' ')}`, timeoutMs: 30_000, everyMs: 200 },
  );

async function jobOf(...args: readonly string[]): Promise<string> {
  const { job } = await fleet.report(...args);
  if (job === null) throw new Error(`fleet ${args.join(' ')} made no job`);
  return job;
}

const isWritten = (job: string, ...events: readonly string[]): Promise<readonly PlainRecord[]> =>
  waitFor(
    async () => {
      const found = await search('--job', job);
      return events.every((event) => found.records.some((record) => record.event === event)) && found.records;
    },
    { what: `${events.join(', ')} of ${job}`, timeoutMs: 30_000, everyMs: 200 },
  );

describe('fleet audit search', () => {
  it('finds what was asked, decided and done, newest last', async () => {
    const job = await jobOf('exec', '--where', 'role=db', '--', 'sh', '-c', 'exit 3');
    const found = await records(6, '--job', job);
    expect(found.map(({ event }) => event).toSorted()).toEqual([
      'asked',
      'ended',
      'ended',
      'ended',
      'started',
      'started',
    ]);
    expect(found[0]).toMatchObject({
      event: 'asked',
      kind: 'caller',
      action: 'exec',
      args: { argv: ['sh', '-c', 'exit 3'] },
    });
    const started = found.find(({ event, writer }) => event === 'started' && writer === 'db1');
    expect(started).toMatchObject({
      decision: 'allowed',
      rule: expect.any(String),
      caller: 'operator',
      verified: true,
    });
    const ended = found.find(({ event, writer }) => event === 'ended' && writer === 'db1');
    expect(ended).toMatchObject({ state: 'failed', code: 'exit-code', exit: 3 });
    expect(found.at(-1)).toMatchObject({ event: 'ended', kind: 'caller', states: { failed: 2 }, exit: 4 });
    expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).toSorted());
  });

  it('finds refusals, by what was decided', async () => {
    const narrow = { version: 1, roles: { admin: { allow: [{ actions: ['ping'] }] } } };
    writeFileSync(join(fleet.node('app1').folder, 'policy.yaml'), JSON.stringify(narrow), { mode: 0o600 });
    await fleet.restartAgent('app1');
    const job = await jobOf('exec', '--node', 'app1', '--', 'true');
    const [refused] = await records(1, '--decision', 'refused', '--node', 'app1');
    expect(refused).toMatchObject({ event: 'refused', job, code: 'not-authorized', rule: expect.any(String) });
    expect((await fleet.run('audit', 'show', job)).stdout).toMatch(/app1 +refused/);
    expect((await search('--decision', 'refused', '--node', 'db1')).records).toEqual([]);
  });

  it('narrows by node, facts, caller, action and time', async () => {
    await jobOf('ping');
    const pings = await records(5, '--action', 'ping');
    expect(new Set(pings.map(({ writer }) => writer))).toEqual(new Set(['app1', 'db1', 'db2', 'web1', 'operator']));
    const ofDb = await search('--action', 'ping', '--where', 'role=db');
    expect(new Set(ofDb.records.map(({ writer }) => writer))).toEqual(new Set(['db1', 'db2']));
    const byGlob = await search('--action', 'p*', '--node', 'web*');
    expect(new Set(byGlob.records.map(({ writer }) => writer))).toEqual(new Set(['web1']));
    expect((await search('--action', 'ping', '--caller', 'nobody')).records).toEqual([]);
    expect((await search('--action', 'ping', '--until', '1h', '--since', '2h')).records).toEqual([]);
    expect((await fleet.run('audit', 'search', '--since', 'yesterday')).exit).toBe(2);
  });

  it('writes what it finds as a table, CSV and NDJSON, too', async () => {
    await records(4, '--action', 'ping');
    const table = await fleet.run('audit', 'search', '--action', 'ping', '--node', 'db1');
    expect(table.stdout).toMatch(/^TIME +WRITTEN BY/);
    expect(table.stdout).toMatch(/db1 +command +operator +ping +ok/);
    const csv = await fleet.run('audit', 'search', '--action', 'ping', '--node', 'db1', '-o', 'csv');
    expect(csv.stdout.split('\r\n')[0]).toMatch(/^at,writer,kind,event,caller/);
    expect(csv.stdout.split('\r\n')[1]).toContain(',db1,node,command,operator,');
    const lines = (await fleet.run('audit', 'search', '--action', 'ping', '--node', 'db1', '-o', 'ndjson')).stdout
      .trim()
      .split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as { type: string });
    expect(parsed.map(({ type }) => type)).toEqual([...parsed.slice(1).map(() => 'record'), 'summary']);
  });

  it('says when there is nothing', async () => {
    const { exit, stderr } = await fleet.run('audit', 'search', '--caller', 'nobody');
    expect(exit).toBe(0);
    expect(stderr).toContain('Nothing is written about that');
  });
});

describe('fleet audit show', () => {
  it('tells the whole story of a job', async () => {
    const job = await jobOf('exec', '--node', 'db1', '--', 'echo', 'hello');
    await records(4, '--job', job);
    const { stdout, exit } = await fleet.run('audit', 'show', job);
    expect(exit).toBe(0);
    expect(stdout).toContain(`Job ${job}: operator asked for exec`);
    expect(stdout).toContain('--node db1, 1 expected');
    expect(stdout).toContain('["echo","hello"]');
    expect(stdout).toMatch(/db1 +allowed +\S+.*ok · exit 0/);
    const story = await fleet.cli.json<{
      nodes: { node: string; state: string; id: string }[];
      asked: PlainRecord;
      ended: PlainRecord;
    }>('audit', 'show', job);
    expect(story).toMatchObject({ nodes: [{ node: 'db1', state: 'ok', exit: 0 }], ended: { exit: 0 } });
    const byMessage = await fleet.cli.json<{ job: string }>('audit', 'show', story.nodes[0]!.id);
    expect(byMessage.job).toBe(job);
  });

  it('says of what is not there that it is not there', async () => {
    expect((await fleet.run('audit', 'show', '01m7zgenjv0mvwq6dfxhvedj4c')).stderr).toContain(
      'nothing is written about',
    );
    expect((await fleet.run('audit', 'show', 'web1')).exit).toBe(2);
  });
});

describe('an agent that is killed in the middle', () => {
  it('has written down what it had started, and goes on in the same chain', async () => {
    const command = await fleet.cli.start(['exec', '--node', 'db2', '--ack-timeout', '30s', '--', 'sleep', '300']);
    const [started] = await waitFor(
      async () => {
        const { records: found } = await search('--node', 'db2', '--event', 'started', '--action', 'exec');
        return found.some(({ args }) => JSON.stringify(args).includes('"300"')) && found.slice(-1);
      },
      { what: 'the start to be written', timeoutMs: 30_000, everyMs: 200 },
    );
    await fleet.endAgent('db2', 'SIGKILL');
    command.kill('SIGINT');
    await command.ended;
    await fleet.restartAgent('db2');
    const job = started!.job!;
    await waitFor(async () => (await search('--node', 'db2', '--event', 'agent-start')).records.length === 2, {
      what: 'the second start of the agent to be written',
      timeoutMs: 30_000,
      everyMs: 200,
    });
    const { stdout } = await fleet.run('audit', 'show', job);
    expect(stdout).toMatch(/db2 +allowed .*nothing is written about its end/);
    const { writers } = await fleet.cli.json<{ writers: WriterVerdict[] }>('audit', 'verify', '--node', 'db2');
    expect(writers).toMatchObject([{ writer: 'db2', holds: true, chains: 1 }]);
  });
});

describe('fleet audit verify', () => {
  it('walks the trail of everybody', async () => {
    await records(1, '--node', 'db1');
    const { exit, stdout } = await fleet.run('audit', 'verify');
    expect(stdout).toMatch(/^WRITER +KIND +RECORDS/);
    for (const writer of ['operator', 'db1', 'db2', 'web1'])
      expect(stdout).toMatch(new RegExp(`^${writer} .*holds$`, 'm'));
    expect(exit).toBe(0);
  });

  it('exits by how many hold', async () => {
    expect((await fleet.run('audit', 'verify', '--node', 'db1', '--node', 'nobody')).exit).toBe(3);
    const none = await fleet.run('audit', 'verify', '--node', 'nobody');
    expect(none.exit).toBe(4);
    expect(none.stderr).toContain('there is nothing of it');
  });

  it("verifies a node's own files, and names the first record that was changed", async () => {
    await records(1, '--node', 'web1');
    const copy = join(fleet.cli.folder, 'copy');
    cpSync(join(fleet.node('web1').folder, 'state', 'audit'), copy, { recursive: true });
    expect((await fleet.run('audit', 'verify', '--file', copy)).exit).toBe(0);
    const path = join(
      copy,
      readdirSync(copy).find((name) => name.endsWith('.trail'))!,
    );
    const lines = readFileSync(path, 'latin1').split('\n');
    writeFileSync(path, lines.toSpliced(2, 1).join('\n'), 'latin1');
    const tampered = await fleet.run('audit', 'verify', '--file', copy);
    expect(tampered.exit).toBe(4);
    expect(tampered.stderr).toMatch(/node web1: (removed|changed): record 2/);
    expect((await fleet.run('audit', 'verify', '--file', fleet.cli.folder)).exit).toBe(2);
  });
});

describe("an operator's own trail that can not be written", () => {
  it('lets nothing go out that changes something, and warns of what only reads', async () => {
    const ran = join(fleet.cli.folder, 'ran');
    const folder = join(fleet.folder, 'audit');
    const aside = `${folder}.aside`;
    cpSync(folder, aside, { recursive: true });
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'in the way');
    try {
      const { exit, stderr } = await fleet.run('exec', '--node', 'web1', '--', 'touch', ran);
      expect(stderr).toContain("can't be written");
      expect(exit).toBe(2);
      expect(existsSync(ran)).toBe(false);
      const ping = await fleet.run('ping', '--node', 'web1');
      expect(ping.exit).toBe(0);
      expect(ping.stderr).toContain("can't be written");
    } finally {
      rmSync(folder);
      cpSync(aside, folder, { recursive: true });
    }
    const job = await jobOf('exec', '--node', 'web1', '--', 'true');
    await isWritten(job, 'asked', 'ended');
  });
});
