/** Golden texts of what nodes are and what they offer: inventory, tasks, actions, a match. */
import { describe, expect, test } from 'vitest';
import type { ActionReport, MatchReport, TaskReport } from '../../../controller/report.ts';
import { okNode, reportOf, silentNode, writtenFor } from './reports.ts';

function text(...lines: string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

describe('inventory', () => {
  test('is a line per node, role first among the facts', async () => {
    const entry = { presence: 'joined', since: null, indexed: { dc: 'ber', role: 'db', 'os.family': 'debian' } };
    const away = { presence: 'away', since: '2026-11-02T10:00:00Z', indexed: { role: 'web' }, os: null, agent: null };
    const nodes = [okNode('web1', away), okNode('db1', { ...entry, os: 'Debian 12', agent: '0.1.0' }), silentNode('x')];
    expect((await writtenFor(reportOf('inventory', nodes))).stdout).toBe(
      text(
        'NODE  STATE                           ROLE  DC   OS         AGENT',
        'db1   joined                          db    ber  Debian 12  0.1.0',
        'web1  away since 2026-11-02 10:00:00  web   -    -          -',
        'x     unreachable: no acknowledgement within 2 s',
      ),
    );
  });

  test('of one node is whole, with the age of each collector and what is wrong with its files', async () => {
    const data = {
      agent: { version: '0.1.0', pid: 77, startedAt: 1_700_000_000_000, protocol: [1] },
      facts: { os: { family: 'debian' } },
      collectors: {
        os: { ageMs: 12_345, tookMs: 3 },
        custom: { error: 'rack.sh: took longer than 10 s' },
      },
      actions: ['ping', 'exec'],
      tasks: [{ name: 'migrate', description: 'Runs migrations', changes: true, check: true, parameters: {} }],
      problems: [{ source: 'tasks.d/bad.yaml', reason: 'line 3: no argv' }],
      counters: { accepted: 12, 'bad-signature': 1 },
    };
    expect((await writtenFor(reportOf('inventory', [okNode('db1', data)]))).stdout).toBe(
      text(
        'db1',
        '  agent',
        '    version 0.1.0 · pid 77 · started 2023-11-14 22:13:20 UTC · protocol 1',
        '  problems',
        '    tasks.d/bad.yaml: line 3: no argv',
        '  actions',
        '    exec ping',
        '  tasks',
        '    migrate  changes  Runs migrations',
        '  collectors',
        '    os      12 s old         took 3 ms',
        '    custom  never collected             rack.sh: took longer than 10 s',
        '  messages',
        '    accepted 12 · bad-signature 1',
        '  facts',
        '    os:',
        '      family: debian',
      ),
    );
  });
});

describe('tasks', () => {
  const report: TaskReport = {
    version: 1,
    command: 'task list',
    fleet: 'main',
    exit: 0,
    tasks: [
      {
        task: {
          name: 'migrate',
          description: 'Runs migrations',
          changes: true,
          check: true,
          timeoutMs: 60_000,
          parameters: {
            version: { type: 'string', required: true, pattern: '[0-9]+', description: 'Which one' },
            steps: { type: 'integer', default: 1, min: 1, max: 9 },
            mode: { type: 'string', choices: ['up', 'down'] },
          },
        },
        nodes: ['db1', 'db2'],
      },
    ],
    problems: [
      { node: 'db1', source: 'tasks.d/x.yaml', reason: 'line 3: no argv' },
      { node: 'db2', source: 'tasks.d/x.yaml', reason: 'line 3: no argv' },
    ],
  };

  test('are listed with their parameters, refused files on stderr', async () => {
    expect(await writtenFor(report)).toEqual({
      stdout: text(
        'TASK     EFFECT   NODES    PARAMETERS, DESCRIPTION',
        'migrate  changes  db[1-2]  version=<string> [steps=<integer>] [mode=<string>]  Runs migrations',
      ),
      stderr: text('db[1-2]  not accepted  tasks.d/x.yaml: line 3: no argv'),
    });
  });

  test('are shown one by one, parameters and all', async () => {
    expect((await writtenFor({ ...report, command: 'task show', problems: [] })).stdout).toBe(
      text(
        'migrate',
        '  description  Runs migrations',
        '  effect       changes',
        '  dry run      runs its check',
        '  time limit   60.0 s',
        '  nodes        db[1-2]',
        '  parameters',
        '    version  string, required, matches /[0-9]+/                   Which one',
        '    steps    integer, optional, default 1, at least 1, at most 9',
        '    mode     string, optional, one of up, down',
      ),
    );
  });

  test('are lines of their own in NDJSON, and names for a pipe', async () => {
    const { stdout } = await writtenFor(report, { format: 'ndjson' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['task', 'summary']);
    expect(lines[1]).not.toContain('version=<');
    expect((await writtenFor(report, { format: 'names' })).stdout).toBe('migrate\n');
    expect((await writtenFor(report, { format: 'csv' })).stdout).toBe(
      'task,changes,check,description,nodes\r\nmigrate,true,true,Runs migrations,db[1-2]\r\n',
    );
  });
});

describe('actions', () => {
  const report: ActionReport = {
    version: 1,
    command: 'action list',
    fleet: 'main',
    exit: 0,
    actions: [
      { name: 'ping', description: 'Answers.', effect: 'reads', timeoutMs: 5000, nodes: ['a1', 'a2'] },
      { name: 'new.thing', description: null, effect: null, timeoutMs: null, nodes: ['a2'] },
    ],
  };

  test('are listed, those of a newer agent too', async () => {
    expect((await writtenFor(report)).stdout).toBe(
      text(
        'ACTION     EFFECT   NODES   DESCRIPTION', //
        'ping       reads    a[1-2]  Answers.',
        'new.thing  unknown  a2',
      ),
    );
  });

  test('are shown with what they take', async () => {
    const [ping] = report.actions;
    const shown: ActionReport = {
      ...report,
      command: 'action show',
      actions: ping === undefined ? [] : [{ ...ping, input: { type: 'object' } }],
    };
    expect((await writtenFor(shown)).stdout).toBe(
      text(
        'ping',
        '  description  Answers.',
        '  effect       reads',
        '  time limit   5.00 s',
        '  nodes        a[1-2]',
        '  input',
        '    type: object',
      ),
    );
  });
});

describe('match', () => {
  const report: MatchReport = { version: 1, command: 'match', exit: 6, matches: false };

  test('says true or false', async () => {
    expect(await writtenFor(report)).toEqual({ stdout: 'false\n', stderr: '' });
  });

  test('explains which predicate decided', async () => {
    const explain = [
      { predicate: 'role=db', holds: true, found: 'db' },
      { predicate: 'cpus>8', holds: false, found: 4 },
      { predicate: 'load<1', holds: null },
    ];
    expect((await writtenFor({ ...report, explain })).stdout).toBe(
      text(
        'false',
        '  true     role=db  the fact is db',
        '  false    cpus>8   the fact is 4',
        '  unknown  load<1   the fact is (none)',
      ),
    );
  });
});
