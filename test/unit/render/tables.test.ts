/** Golden texts: what an operator reads, to the character. */
import { describe, expect, test } from 'vitest';
import type { NodeResult } from '../../../controller/report.ts';
import { failedNode, okNode, program, reportOf, silentNode, writtenFor } from './reports.ts';

function text(...lines: string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

describe('ping', () => {
  const report = reportOf('ping', [
    okNode('web1', {}, 3),
    okNode('db10', {}, 10.04),
    okNode('db2', {}),
    silentNode('x'),
  ]);

  test('names each node with its round trip, and the silent with their reason', async () => {
    expect(await writtenFor(report)).toEqual({
      stdout: text(
        'NODE    MS',
        'db2    1.2',
        'db10  10.0',
        'web1   3.0',
        'x           unreachable: no acknowledgement within 2 s',
        '',
        '3 of 4 answered · min 1.2 · median 3.0 · max 10.0 ms',
      ),
      stderr: text(
        '4 nodes: 3 ok, 1 unreachable (no acknowledgement within 2 s) · 0.12 s · fleet main',
        'x  unreachable  no acknowledgement within 2 s',
      ),
    });
  });

  test('says a silent node once on a terminal, where both streams meet', async () => {
    const { stderr } = await writtenFor(report, { isTerminal: true });
    expect(stderr).toBe(text('4 nodes: 3 ok, 1 unreachable (no acknowledgement within 2 s) · 0.12 s · fleet main'));
  });

  test('shows who was not expected', async () => {
    const { stdout, stderr } = await writtenFor(reportOf('ping', [{ ...okNode('new1'), unexpected: true }]));
    expect(stdout).toContain('new1  1.2  unexpected\n');
    expect(stderr).toBe(text('1 node: 1 ok · 1 unexpected · 0.12 s · fleet main'));
  });

  test('says so when nothing matched', async () => {
    expect(await writtenFor(reportOf('ping', [], { job: null }))).toEqual({
      stdout: '',
      stderr: text('no node matched · 0.12 s · fleet main'),
    });
  });
});

describe('find', () => {
  test('is one name a line, the silent ones on stderr only', async () => {
    expect(await writtenFor(reportOf('find', [okNode('db10'), okNode('db2'), silentNode('x')]))).toEqual({
      stdout: 'db2\ndb10\n',
      stderr: text(
        '3 nodes: 2 ok, 1 unreachable (no acknowledgement within 2 s) · 0.12 s · fleet main',
        'x  unreachable  no acknowledgement within 2 s',
      ),
    });
  });
});

describe('facts', () => {
  const nodes = [okNode('rails1', { 'a.b': 484 }), okNode('rails2', { 'a.b': 484 }), okNode('db1', {})];
  const counts = [
    { value: 484, count: 2, nodes: ['rails1', 'rails2'] },
    { value: null, count: 1, nodes: ['db1'] },
  ];

  test('with a path are a distribution', async () => {
    const { stdout } = await writtenFor(reportOf('facts', nodes, { facts: { 'a.b': counts } }));
    expect(stdout).toBe(
      text(
        'VALUE   COUNT    %  NODES', //
        '484         2  67%  rails[1-2]',
        '(none)      1  33%  db1',
      ),
    );
  });

  test('with several paths have a heading each', async () => {
    const one = [{ value: { x: [1] }, count: 3, nodes: ['db1', 'rails1', 'rails2'] }];
    const { stdout } = await writtenFor(reportOf('facts', nodes, { facts: { 'a.b': counts, c: one } }));
    expect(stdout).toBe(
      text(
        'a.b',
        '  VALUE   COUNT    %  NODES',
        '  484         2  67%  rails[1-2]',
        '  (none)      1  33%  db1',
        '',
        'c',
        '  VALUE      COUNT     %  NODES',
        '  {"x":[1]}      3  100%  db1,rails[1-2]',
      ),
    );
  });

  test('by node are a line per node', async () => {
    const report = reportOf('facts', [...nodes, silentNode('x')], { facts: { 'a.b': counts } });
    expect((await writtenFor(report, { byNode: true })).stdout).toBe(
      text(
        'NODE    a.b',
        'db1     (none)',
        'rails1  484',
        'rails2  484',
        'x       unreachable: no acknowledgement within 2 s',
      ),
    );
  });

  test('without paths are each node’s document as a tree, text that looks typed in quotes', async () => {
    const document = {
      os: { name: 'Debian', release: { major: 12, text: '12' } },
      disks: [{ name: 'sda', size: 3 }, { name: 'sdb' }],
      ip: ['10.0.0.1', '::1'],
      empty: [],
      tags: { a: 'line\nbreak', b: true, c: 'true', d: null },
    };
    expect((await writtenFor(reportOf('facts', [okNode('db1', document), okNode('db2', {})]))).stdout).toBe(
      text(
        'db1',
        '  disks:',
        '    - name: sda',
        '      size: 3',
        '    - name: sdb',
        '  empty: []',
        '  ip:',
        '    - 10.0.0.1',
        '    - ::1',
        '  os:',
        '    name: Debian',
        '    release:',
        '      major: 12',
        '      text: "12"',
        '  tags:',
        '    a: line\\nbreak',
        '    b: true',
        '    c: "true"',
        '    d: null',
        '',
        'db2',
      ),
    );
  });

  test('cut a long list of nodes on a terminal, and never in a pipe', async () => {
    const names = Array.from(
      { length: 50 },
      (_, at) => `node-${'abcdefghij'[at % 10]}${'klmnop'[at % 6]}${'x'.repeat(at)}`,
    );
    const report = reportOf(
      'facts',
      names.map((name) => okNode(name, { v: 1 })),
      {
        facts: { v: [{ value: 1, count: 50, nodes: names }] },
      },
    );
    const onTerminal = (await writtenFor(report, { isTerminal: true })).stdout.split('\n');
    expect(onTerminal[1]).toMatch(/^1 {9}50 {2}100% {2}\S+,… \(50 nodes\)$/);
    expect(Math.max(...onTerminal.map((line) => line.length))).toBeLessThanOrEqual(80);
    const piped = (await writtenFor(report)).stdout;
    expect(names.every((name) => piped.includes(name))).toBe(true);
  });
});

describe('exec and run', () => {
  test('show once what many said, the failed last, and who never ran', async () => {
    const report = reportOf('exec', [
      failedNode('db2', 3, 'half\n\ndone\n', 'cannot open\n'),
      ...['web1', 'web2', 'web3'].map((node) => okNode(node, program(0, 'Linux\n'))),
      okNode('db1', program(0, '')),
      silentNode('x'),
      { node: 'y', state: 'timeout', reason: 'ran for 60 s', data: program(null, ''), ms: 1 },
    ]);
    expect(await writtenFor(report)).toEqual({
      stdout: text(
        'web[1-3] · ok · exit 0 · 3 nodes',
        '  Linux',
        '',
        'db1 · ok · exit 0',
        '',
        'x · unreachable · no acknowledgement within 2 s',
        '',
        'y · timeout · ended by SIGKILL · ran for 60 s',
        '',
        'db2 · failed · exit 3',
        '  half',
        '',
        '  done',
        '  stderr:',
        '    cannot open',
      ),
      stderr: text(
        '7 nodes: 4 ok, 1 failed (exit code 3), 1 timeout (ran for 60 s), 1 unreachable (no acknowledgement within 2 s) · 0.12 s · fleet main',
        'db2  failed       exit code 3',
        'y    timeout      ran for 60 s',
        'x    unreachable  no acknowledgement within 2 s',
      ),
    });
  });

  test('say where output was cut, and that a dry run did nothing', async () => {
    const nodes = [okNode('a', program(0, 'head tail', '', { stdout: 1234 }))];
    const { stdout, stderr } = await writtenFor(reportOf('run', nodes, { dryRun: true }));
    expect(stdout).toBe(
      text(
        'a · ok · exit 0', //
        '  head tail',
        '  (1234 bytes were dropped from the middle of stdout)',
      ),
    );
    expect(stderr).toBe(text('1 node: 1 ok · dry run, nothing was done · 0.12 s · fleet main'));
  });

  test('say where all of an output is that is recorded, and only shortened here', async () => {
    const nodes = [okNode('a', program(0, 'head tail', '', { stdout: 1234 }))];
    const { stdout } = await writtenFor(reportOf('run', nodes, { recorded: true }));
    expect(stdout).toContain(
      '  (1234 bytes from the middle of stdout are left out here; all of it: fleet job show j1 a)\n',
    );
  });

  test('say why what ended ok did, where the node says so', async () => {
    const done = { ...okNode('a', program(0, 'done')), reason: 'done before: nothing was done twice' };
    const { stdout } = await writtenFor(reportOf('run', [done]));
    expect(stdout).toContain('a · ok · exit 0 · done before: nothing was done twice\n');
  });

  test('let no program print the heading of another node, nor drive the terminal', async () => {
    const evil = 'db1 · ok · exit 0\n\u001b[2J\u001b]0;title\u0007\u009b31mred\rover\u202eleft\r\n';
    const { stdout } = await writtenFor(reportOf('exec', [okNode('a', program(0, evil))]));
    expect(stdout).toBe(
      text('a · ok · exit 0', '  db1 · ok · exit 0', '  \\x1b[2J\\x1b]0;title\\x07\\x9b31mred\\rover\\u202eleft'),
    );
  });
});

describe('ps', () => {
  const process = (pid: number, command: string): unknown => ({
    pid,
    ppid: 1,
    user: 'root',
    name: 'node',
    command,
    started: '2026-11-02T10:22:01.123Z',
  });
  const listed = (...list: unknown[]): unknown => ({ processes: list, count: list.length });

  test('is a line per process', async () => {
    const nodes = [
      okNode('db1', listed(process(7, 'node a.js'), process(4321, 'node\tb.js'))),
      okNode('db2', listed()),
    ];
    expect(await writtenFor(reportOf('ps', [...nodes, silentNode('x')]))).toEqual({
      stdout: text(
        'NODE   PID  USER  STARTED (UTC)        NAME  COMMAND',
        'db1      7  root  2026-11-02 10:22:01  node  node a.js',
        'db1   4321  root  2026-11-02 10:22:01  node  node\\tb.js',
        'db2   no such process',
        'x     unreachable: no acknowledgement within 2 s',
      ),
      stderr: text(
        '3 nodes: 2 ok, 1 unreachable (no acknowledgement within 2 s) · 2 processes on 1 node · 0.12 s · fleet main',
        'x  unreachable  no acknowledgement within 2 s',
      ),
    });
  });

  test('cuts a long command line on a terminal', async () => {
    const report = reportOf('ps', [okNode('db1', listed(process(7, 'node '.repeat(50))))]);
    const lines = (await writtenFor(report, { isTerminal: true, columns: 70 })).stdout.split('\n');
    expect(lines[1]).toHaveLength(70);
    expect(lines[1]).toMatch(/…$/);
    expect((await writtenFor(report, { isTerminal: true, columns: 70, verbose: true })).stdout).toContain(
      'node '.repeat(50).trimEnd(),
    );
  });

  test('with --expect is a line per node', async () => {
    const wrong: NodeResult = {
      node: 'db2',
      state: 'failed',
      reason: 'expected 1 or more, found 0',
      data: listed(),
      ms: 1,
    };
    const report = reportOf('ps', [okNode('db1', listed(process(7, 'x'))), wrong, silentNode('x')], {
      expect: { min: 1, max: null },
    });
    expect((await writtenFor(report)).stdout).toBe(
      text(
        'NODE  COUNT  STATE',
        'db1       1  ok',
        'db2       0  failed: expected 1 or more, found 0',
        'x            unreachable: no acknowledgement within 2 s',
      ),
    );
  });
});

describe('kill', () => {
  const killed = {
    signalled: [
      { pid: 42, name: 'node' },
      { pid: 43, name: 'node' },
    ],
    gone: [{ pid: 42, name: 'node' }],
    remaining: [{ pid: 43, name: 'node', reason: 'still there after KILL' }],
    spared: [{ pid: 7, name: 'node', reason: 'the agent itself' }],
  };
  const nothing = { signalled: [], gone: [], remaining: [], spared: [] };

  test('counts per node, and names every process with what became of it', async () => {
    const failed: NodeResult = { node: 'db1', state: 'failed', reason: '1 process remains', data: killed, ms: 1 };
    expect(await writtenFor(reportOf('kill', [failed, okNode('db2', nothing), silentNode('x')]))).toEqual({
      stdout: text(
        'NODE  SIGNALLED  GONE  REMAINING  SPARED',
        'db1           2     1          1       1  failed: 1 process remains',
        'db2           0     0          0       0',
        'x     unreachable: no acknowledgement within 2 s',
        '',
        'NODE  PID  NAME  OUTCOME',
        'db1    42  node  gone',
        'db1     7  node  spared     the agent itself',
        'db1    43  node  remaining  still there after KILL',
      ),
      stderr: text(
        '3 nodes: 1 ok, 1 failed (1 process remains), 1 unreachable (no acknowledgement within 2 s) · 2 signalled, 1 gone, 1 remaining, 1 spared · 0.12 s · fleet main',
        'db1  failed       1 process remains',
        'x    unreachable  no acknowledgement within 2 s',
      ),
    });
  });

  test('says "would" in a dry run', async () => {
    const would = { ...nothing, signalled: [{ pid: 42, name: 'node' }], spared: killed.spared };
    expect(await writtenFor(reportOf('kill', [okNode('db1', would)], { dryRun: true }))).toEqual({
      stdout: text(
        'NODE  WOULD SIGNAL  WOULD SPARE',
        'db1              1            1',
        '',
        'NODE  PID  NAME  OUTCOME',
        'db1    42  node  would be signalled',
        'db1     7  node  would be spared     the agent itself',
      ),
      stderr: text('1 node: 1 ok · would signal 1, would spare 1 · dry run, nothing was done · 0.12 s · fleet main'),
    });
  });
});
