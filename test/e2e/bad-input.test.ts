/**
 * What makes no sense is told in one clear line with what to do, ends with 2, writes no data, and sends nothing: somebody
 * who sees every command on the bus sees none of these.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tapBus } from '../support/bus-tap.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { issueOperator } from '../support/issue-operator.ts';
import type { CliOptions } from '../support/fleet-cli.ts';

const AT_ONCE = 6;
const YEAR_MS = 365 * 24 * 60 * 60_000;

interface Case extends CliOptions {
  readonly args: readonly string[];
  /** In what is said on stderr. */
  readonly says: string | RegExp;
}

describe('bad input', () => {
  let fleet: EmbeddedFleet;
  let tap: NatsConnection;
  const seen: string[] = [];
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({
      db1: { facts: { role: 'db' }, tasks: join(import.meta.dirname, '..', '..', 'deploy/examples/embedded/tasks/db') },
      db2: { facts: { role: 'db' } },
      web1: {},
    });
    tap = await tapBus(fleet);
    tap.subscribe('fleet.main.cmd.>', { callback: (_error, message) => void seen.push(message.subject) });
    await tap.flush();
  });
  afterAll(async () => {
    await tap.close();
    await fleet.stop();
  });

  async function expectRefused(cases: readonly Case[]): Promise<void> {
    const heard = seen.length;
    const outcomes: object[] = [];
    for (let at = 0; at < cases.length; at += AT_ONCE) {
      const some = cases.slice(at, at + AT_ONCE);
      outcomes.push(...(await Promise.all(some.map(outcomeOf))));
    }
    expect(outcomes).toEqual(cases.map(expectedOf));
    await tap.flush();
    expect(seen.slice(heard)).toEqual([]);
  }

  async function outcomeOf({ args, stdin, env }: Case): Promise<object> {
    const options = { ...(stdin === undefined ? {} : { stdin }), ...(env === undefined ? {} : { env }) };
    const { exit, stdout, stderr } = await fleet.cli.runWith(options, ...args);
    // One line that says it, and at most three that help: a column's picture, what to do.
    return { line: lineOf(args), exit, stdout, stderr, isClear: /^fleet: .+\n( .*\n){0,3}$/.test(stderr) };
  }

  function expectedOf({ args, says }: Case): object {
    const stderr: unknown = typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says);
    return { line: lineOf(args), exit: 2, stdout: '', stderr, isClear: true };
  }

  it('is noticed by who looks at the bus when a command is sent after all', async () => {
    const heard = seen.length;
    await fleet.run('ping', '--node', 'db1');
    await tap.flush();
    expect(seen.slice(heard)).toEqual(['fleet.main.cmd.node.db1']);
  });

  it('in an expression names the column and what was expected', async () => {
    const cases: [expression: string, says: string | RegExp][] = [
      ['role=', 'column 6: expected a value after "="\n  role=\n       ^\n'],
      ['role=db)', 'column 8: expected "and", "or" or the end'],
      ['(role=db', /column 9: expected .*\)/],
      ['role=db and', 'column 12: expected'],
      ['and role=db', 'column 1: expected'],
      ['role~db', 'column 5:'],
      ['role="db', 'column 9: expected a closing "'],
      ['role in ()', 'column 10:'],
      ['role in (db,)', 'column 13:'],
      ['role =~ /(/', 'column 9:'],
      ['role =~ /(?=a)/', 'column 9:'],
      ['role =~ /(a)\\1/', 'column 9:'],
      ['a..b=1', 'column 3:'],
      ['ip in 10.0.0.0/33', 'column 7:'],
      ['has()', 'column 5:'],
      ['role=db role=web', 'column 9: expected "and", "or" or the end'],
      [`${'('.repeat(80)}role=db${')'.repeat(80)}`, 'column 65:'],
      [`role=${'x'.repeat(70_000)}`, 'at most 65536 bytes'],
    ];
    await expectRefused([
      ...cases.map(([where, says]) => ({ args: ['ping', '--where', where], says })),
      { args: ['exec', '--where', 'role=db', '--where', 'role=', '--', 'true'], says: 'column 6' },
      { args: ['match', '--where', 'role=', '--facts', '-'], stdin: '{}', says: 'column 6' },
      { args: ['facts', 'a..b'], says: 'column 3' },
      { args: ['facts', ''], says: /column 1|expected/ },
    ]);
  });

  it('on the command line says what there is', async () => {
    await expectRefused([
      { args: ['pong'], says: 'Did you mean ping?' },
      { args: ['tsak', 'list'], says: 'Did you mean task?' },
      { args: ['task', 'lst'], says: /unknown command 'lst'[^]*Did you mean list\?/ },
      { args: ['ping', '--wehre', 'role=db'], says: 'Did you mean --where?' },
      { args: ['ping', '--where'], says: 'argument missing' },
      { args: ['ping', 'db1'], says: 'too many arguments' },
      { args: ['exec', '--all'], says: "missing required argument 'CMD'" },
      { args: ['run', '--all'], says: "missing required argument 'TASK'" },
      { args: ['ping', '-o', 'xml'], says: 'Allowed choices are table, json, ndjson, yaml, csv, names' },
      { args: ['ps', '--expect', '3..1'], says: 'begins below its end' },
      { args: ['ps', '--expect', '..'], says: '1..5' },
      { args: ['ps', '--expect', 'many'], says: '1..5' },
      { args: ['kill', '--all'], says: 'which processes?' },
      { args: ['kill', '--all', '*'], says: 'every process' },
      { args: ['kill', '--all', 'x', '--signal', 'STOPP'], says: 'TERM' },
      { args: ['kill', '--all', 'x', '--grace', '11m'], says: 'at most 10m' },
      { args: ['exec', '--all', '--env', 'NOVALUE', '--', 'true'], says: 'key=value' },
      { args: ['completion', 'tcsh'], says: /bash.*zsh.*fish/ },
      { args: ['match', '--where', 'a=1'], says: '--facts' },
      { args: ['match', '--where', 'a=1', '--facts', '/nonexistent.json'], says: '/nonexistent.json' },
      { args: ['match', '--where', 'a=1', '--facts', '-'], stdin: '[1]', says: /map|object/ },
      { args: ['match', '--where', 'a=1', '--facts', '-'], stdin: '{', says: 'JSON' },
    ]);
  });

  it('as a duration says what a duration is', async () => {
    const given = ['5', '5x', '-5s', '0s', '0.1ms', '1e3s', '999999d', 's', ''].map(
      (value) => ['--timeout', value] as const,
    );
    const others = ['--ack-timeout', '--deadline'].map((option) => [option, '5'] as const);
    const long = [
      ['--timeout', '8d', '7d'],
      ['--deadline', '30d', '7d'],
      ['--ack-timeout', '1h', '5m'],
    ] as const;
    await expectRefused([
      ...[...given, ...others].map(([option, value]) => ({
        args: ['ping', `${option}=${value}`],
        says: `${option} can't be "${value}"\n  Expected a duration with its unit`,
      })),
      ...long.map(([option, value, most]) => ({
        args: ['ping', option, value],
        says: `${option} can't be "${value}"\n  Expected at most ${most}.\n`,
      })),
    ]);
  });

  it('as a limit says what a limit is', async () => {
    const values = ['0', '-1', '101%', '1.5', 'half', '0%', ''];
    await expectRefused(
      values.map((value) => ({ args: ['ping', `--limit=${value}`], says: 'a number of nodes or a share of them' })),
    );
  });

  it('as a name of a node gives the nearest one', async () => {
    const list = join(fleet.cli.folder, 'list');
    writeFileSync(list, 'db1\nweb2\n');
    await expectRefused([
      { args: ['ping', '--node', 'db3'], says: /no node db3[^]*Did you mean db1 or db2\?/ },
      { args: ['ping', '--node', 'web1', '--node', 'zzz'], says: /no node zzz[^]*fleet find/ },
      { args: ['exec', '--node', 'db[1-3]', '--', 'true'], says: 'no node db3' },
      { args: ['inventory', 'wbe1'], says: 'Did you mean web1' },
      { args: ['ping', '--nodes-from', list], says: 'Did you mean web1' },
      { args: ['ping', '--node', 'web['], says: 'web[' },
      { args: ['ping', '--node', 'web[3-1]'], says: 'web[3-1]' },
      { args: ['ping', '--node', '/(/'], says: '/(/' },
      { args: ['ping', '--node', 'WEB1'], says: 'WEB1' },
      { args: ['ping', '--exclude', 'web['], says: 'web[' },
    ]);
  });

  it('as a list of nodes is never all of them', async () => {
    const [empty, comments] = [join(fleet.cli.folder, 'empty'), join(fleet.cli.folder, 'comments')];
    writeFileSync(empty, '');
    writeFileSync(comments, '# nobody\n\n   \n');
    await expectRefused([
      { args: ['ping', '--nodes-from', empty], says: 'An empty list never means all nodes' },
      { args: ['exec', '--nodes-from', comments, '--', 'true'], says: 'is empty' },
      { args: ['ping', '--nodes-from', '-'], stdin: '', says: 'on standard input is empty' },
      { args: ['ping', '--nodes-from', '/nonexistent'], says: '/nonexistent' },
      { args: ['ping', '--nodes-from', fleet.cli.folder], says: fleet.cli.folder },
      { args: ['ping', '--group', 'nobody'], says: /no group nobody[^]*Groups there: none/ },
    ]);
  });

  it('for a task names the parameter, what it must be, and what was given', async () => {
    await expectRefused([
      { args: ['run', '--node', 'db1', 'migrat'], says: 'Did you mean migrate?' },
      { args: ['run', '--node', 'web1', 'migrate'], says: 'no targeted node has a task migrate' },
      { args: ['run', '--node', 'db1', 'migrate', 'to=last'], says: /to .*whole number.*"last"/ },
      { args: ['run', '--node', 'db1', 'migrate', 'to=1000'], says: '999' },
      { args: ['run', '--node', 'db1', 'migrate', 'too=42'], says: /no parameter "too".*to/ },
      { args: ['run', '--node', 'db1', 'migrate', '42'], says: 'key=value' },
      { args: ['run', '--node', 'db1', 'migrate', 'to=1', 'to=2'], says: 'given twice' },
      { args: ['run', '--node', 'db1', 'migrate', 'to=1', '--dry-run', '-o', 'yml'], says: 'yaml' },
      { args: ['task', 'show', 'migrat'], says: 'Did you mean migrate?' },
      { args: ['action', 'show', 'process.lsit'], says: 'Did you mean process.list?' },
    ]);
  });

  it('is a command that changes something when nobody said whom it is for, and nobody can be asked', async () => {
    await expectRefused([
      { args: ['exec', '--', 'true'], says: '--all for the whole fleet' },
      { args: ['run', 'migrate'], says: '--all for the whole fleet' },
      { args: ['kill', 'node'], says: '--all for the whole fleet' },
      { args: ['exec', '--all', '--where', 'role=db', '--', 'true'], says: '--all means the whole fleet' },
      // What the program would have been given can't answer the question.
      { args: ['exec', '--stdin', '--', 'cat'], stdin: 'y\n', says: '--all for the whole fleet' },
    ]);
  });

  it('is a context or an identity that is missing, broken, or not safe', async () => {
    const folder = join(fleet.cli.folder, 'contexts');
    mkdirSync(folder);
    const identity = JSON.parse(readFileSync(join(fleet.folder, 'operator.json'), 'utf8')) as Record<string, unknown>;
    const file = (name: string, content: unknown, mode = 0o600): string => {
      const path = join(folder, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      chmodSync(path, mode);
      return path;
    };
    const context = (name: string, changes: object): string =>
      file(name, { servers: [fleet.state.server], identity: join(fleet.folder, 'operator.json'), ...changes });
    const as = (path: string): string[] => ['--identity', path, 'ping'];
    const good = readFileSync(join(fleet.folder, 'context.yaml'), 'utf8');
    const nowhere = { XDG_STATE_HOME: '/nonexistent' };

    await expectRefused([
      { args: ['ping'], env: nowhere, says: /no fleet to talk to[^]*fleet dev up/ },
      { args: ['--context', '/nonexistent', 'ping'], says: '/nonexistent is not there' },
      { args: ['ping'], env: { FLEET_CONTEXT: '/nonexistent' }, says: '/nonexistent is not there' },
      { args: ['--context', folder, 'ping'], says: folder },
      { args: ['--context', file('broken', 'servers: [a'), 'ping'], says: /broken, line 1: / },
      { args: ['--context', file('empty', ''), 'ping'], says: 'servers' },
      { args: ['--context', context('unknown', { sever: 'x' }), 'ping'], says: 'sever' },
      { args: ['--context', context('type', { servers: 'nats://x' }), 'ping'], says: 'servers' },
      { args: ['--context', context('address', { servers: ['localhost:x'] }), 'ping'], says: 'tls://HOST:PORT' },
      { args: ['--context', context('time', { defaults: { timeout: '5' } }), 'ping'], says: 'a duration' },
      { args: ['--context', file('group', good, 0o620), 'ping'], says: 'chmod go-w' },
      { args: ['--context', file('world', good, 0o602), 'ping'], says: 'chmod go-w' },
      { args: ['--server', 'http://x', 'ping'], says: 'tls://HOST:PORT' },
      { args: ['ping'], env: { FLEET_SERVERS: 'localhost:x' }, says: 'tls://HOST:PORT' },
      { args: as('/nonexistent'), says: '/nonexistent is not there' },
      { args: as(file('text', 'SUAB')), says: 'not JSON' },
      { args: as(file('fields', {})), says: 'is broken' },
      { args: as(file('seed', { ...identity, signSeed: 'AAAA' })), says: 'signSeed' },
      { args: as(file('key', { ...identity, signSeed: Buffer.alloc(32).toString('base64') })), says: 'not the one' },
      { args: as(file('credential', { ...identity, credential: 'AAAA' })), says: 'is broken' },
      { args: as(file('readable', identity, 0o640)), says: 'chmod 600' },
      { args: as(join(fleet.node('db1').folder, 'identity.json')), says: 'of the node db1' },
      {
        args: as(await issueOperator(fleet, { notBefore: Date.now() - 2 * YEAR_MS, notAfter: Date.now() - YEAR_MS })),
        says: /has expired[^]*fleet ca renew/,
      },
    ]);
  });

  const lineOf = (args: readonly string[]): string => args.join(' ').slice(0, 80);
});
