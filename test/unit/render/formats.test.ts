/** What programs read: exact, complete, and the same in every format. */
import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { ADDRESSED_COMMANDS, type NodeResult, type Report } from '../../../controller/report.ts';
import { FORMATS, type Format } from '../../../controller/render/formats.ts';
import { FINAL_STATES } from '../../../shared/states.ts';
import { failedNode, okNode, program, reportOf, silentNode, writtenFor } from './reports.ts';

const REPORT = reportOf('exec', [failedNode('db10', 3, '', 'no'), okNode('db2', program(0, 'yes')), silentNode('x')], {
  exit: 3,
  target: { where: ['role=db'] },
});

/** As RFC 4180 has it, and nothing more. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field = '';
    if (text[at] === '"') {
      for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
        if (text[at] === '"') at += 1;
        field += text[at];
      }
      at += 1;
    } else {
      for (; at < text.length && text[at] !== ',' && text[at] !== '\r'; at += 1) field += text[at];
    }
    row.push(field);
    if (text[at] === ',') {
      at += 1;
      continue;
    }
    expect(text.slice(at, at + 2)).toBe('\r\n');
    at += 2;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('json', () => {
  test('is one document of a fixed shape, silent nodes included, nodes in natural order', async () => {
    const document = JSON.parse((await writtenFor(REPORT, { format: 'json' })).stdout) as unknown;
    expect(document).toEqual({
      version: 1,
      command: 'exec',
      job: 'j1',
      fleet: 'main',
      target: { where: ['role=db'] },
      expected: 3,
      states: { ok: 1, failed: 1, unreachable: 1 },
      unmatched: 0,
      exit: 3,
      ms: 120,
      nodes: [
        { node: 'db2', state: 'ok', reason: null, data: program(0, 'yes'), ms: 1.2 },
        { node: 'db10', state: 'failed', code: 'exit-code', reason: 'exit code 3', data: program(3, '', 'no'), ms: 9 },
        { node: 'x', state: 'unreachable', reason: 'no acknowledgement within 2 s', data: null, ms: null },
      ],
    });
  });

  test('of find has no data', async () => {
    const { stdout } = await writtenFor(reportOf('find', [okNode('a', { x: 1 })]), { format: 'json' });
    expect((JSON.parse(stdout) as Report).nodes).toEqual([{ node: 'a', state: 'ok', reason: null, ms: 1.2 }]);
  });

  test('writes a whole number of msgpack as a number, and one beyond 2^53 by its digits', async () => {
    const { stdout } = await writtenFor(reportOf('facts', [okNode('a', { small: 5n, big: 2n ** 63n })]), {
      format: 'json',
    });
    expect((JSON.parse(stdout) as Report).nodes[0]?.data).toEqual({ small: 5, big: '9223372036854775808' });
  });
});

describe('ndjson', () => {
  test('writes a node when it is known, and the summary without nodes at the end', async () => {
    const { stdout } = await writtenFor(REPORT, { format: 'ndjson' });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ type, node }) => [type, node])).toEqual([
      ['node', 'db10'],
      ['node', 'db2'],
      ['node', 'x'],
      ['summary', undefined],
    ]);
    expect(lines.at(-1)).not.toHaveProperty('nodes');
    expect(lines.at(-1)).toMatchObject({ version: 1, exit: 3, states: { ok: 1, failed: 1, unreachable: 1 } });
  });
});

describe('yaml', () => {
  test('says what json says, also to readers of YAML 1.1', async () => {
    const tricky = { a: 'no', b: '0x1F', c: '1e3', d: 'x\u009by\u202e', e: '- a: b', f: 'two\nlines', same: [1] };
    const report = reportOf('facts', [okNode('a', tricky), okNode('b', tricky)]);
    const json = JSON.parse((await writtenFor(report, { format: 'json' })).stdout) as unknown;
    const { stdout } = await writtenFor(report, { format: 'yaml' });
    expect(parse(stdout)).toEqual(json);
    expect(parse(stdout, { version: '1.1' })).toEqual(json);
    expect(stdout).not.toMatch(/[\u009b\u202e]|&a1/);
  });
});

describe('csv', () => {
  test('has a column a path, and keeps a fact apart that is called like a column', async () => {
    const nodes = [okNode('a', { 'os.name': 'De"b,ian', state: -1 }), silentNode('b')];
    const { stdout } = await writtenFor(reportOf('facts', nodes, { facts: { 'os.name': [], state: [] } }), {
      format: 'csv',
    });
    expect(stdout).toBe(
      'node,state,code,reason,ms,os.name,fact state\r\n' +
        'a,ok,,,1.2,"De""b,ian",-1\r\n' +
        'b,unreachable,,no acknowledgement within 2 s,,,\r\n',
    );
  });

  test('leaves values that look like formulas as they are: they are data', async () => {
    const { stdout } = await writtenFor(reportOf('exec', [okNode('a', program(0, '=1+1'))]), { format: 'csv' });
    expect(parseCsv(stdout)[1]).toContain('=1+1');
  });

  test('spells control characters out on a terminal, and only there', async () => {
    const report = reportOf('exec', [okNode('a', program(0, '\u001b[2Jx\n'))]);
    expect((await writtenFor(report, { format: 'csv', isTerminal: true })).stdout).toContain('\\x1b[2Jx\\n');
    expect(parseCsv((await writtenFor(report, { format: 'csv' })).stdout)[1]).toContain('\u001b[2Jx\n');
  });

  test('has a row a process, and one for a node without any', async () => {
    const processes = [{ pid: 7, ppid: 1, user: 'root', name: 'a', command: 'a -x', started: 's' }];
    const nodes = [okNode('a', { processes, count: 1 }), okNode('b', { processes: [], count: 0 })];
    expect((await writtenFor(reportOf('ps', nodes), { format: 'csv' })).stdout).toBe(
      'node,state,code,reason,pid,ppid,user,started,name,command\r\n' +
        'a,ok,,,7,1,root,s,a,a -x\r\n' +
        'b,ok,,,,,,,,\r\n',
    );
  });
});

describe('names', () => {
  test('are the nodes that ended ok', async () => {
    expect((await writtenFor(REPORT, { format: 'names' })).stdout).toBe('db2\n');
  });
});

const nodeName = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}[a-z0-9]$/);

/** Made once: an arbitrary of JSON is dear to make, and cheap to draw from. */
const anyResult: fc.Arbitrary<NodeResult> = fc.record({
  node: nodeName,
  state: fc.constantFrom(...FINAL_STATES),
  reason: fc.option(fc.string({ unit: 'binary' })),
  data: fc.jsonValue(),
  ms: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true })),
});

const anyReport = fc
  .tuple(
    fc.constantFrom(...ADDRESSED_COMMANDS),
    fc.uniqueArray(anyResult, { maxLength: 8, selector: ({ node }) => node }),
  )
  .map(([command, nodes]) => reportOf(command, nodes));

describe('whatever nodes answer', () => {
  test('every node is in the data exactly once, and the data can be read back', async () => {
    await fc.assert(
      fc.asyncProperty(anyReport, async (report) => {
        const names = report.nodes.map(({ node }) => node).toSorted();
        const json = JSON.parse((await writtenFor(report, { format: 'json' })).stdout) as Report;
        expect(json.nodes.map(({ node }) => node).toSorted()).toEqual(names);

        const lines = (await writtenFor(report, { format: 'ndjson' })).stdout.trimEnd().split('\n');
        const nodes = lines
          .map((line) => JSON.parse(line) as { type: string; node: string })
          .filter(({ type }) => type === 'node');
        expect(nodes.map(({ node }) => node).toSorted()).toEqual(names);

        expect(parse((await writtenFor(report, { format: 'yaml' })).stdout)).toEqual(json);

        const [columns = [], ...rows] = parseCsv((await writtenFor(report, { format: 'csv' })).stdout);
        expect(rows.every((row) => row.length === columns.length)).toBe(true);
        expect(new Set(rows.map(([node]) => node))).toEqual(new Set(names));
        for (const { node, reason } of report.nodes) {
          expect(rows.find(([name]) => name === node)?.[columns.indexOf('reason')]).toBe(reason ?? '');
        }
      }),
      { numRuns: 40 },
    );
  });

  test('every node is named to people, and nothing drives their terminal', async () => {
    await fc.assert(
      fc.asyncProperty(anyReport, fc.boolean(), async (report, isTerminal) => {
        const plain = report.nodes.map((result, at) => ({ ...result, node: `${'abcdefghijkl'[at]}-node` }));
        const { stdout, stderr } = await writtenFor({ ...report, nodes: plain }, { isTerminal, columns: 200 });
        /* oxlint-disable-next-line no-control-regex -- that there are none is the point */
        expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        for (const { node } of plain) expect(stdout + stderr).toContain(node);
      }),
      { numRuns: 100 },
    );
  });

  /** What stands for a node, and how often it's there: of the table, one line each of five outputs and of the silent. */
  const TEN_THOUSAND: Readonly<Record<Format, [RegExp, number]>> = {
    table: [/^web/gm, 6],
    json: [/^ {6}"node": /gm, 10_000],
    ndjson: [/^\{"type":"node"/gm, 10_000],
    yaml: [/^ {2}- node: /gm, 10_000],
    csv: [/^web/gm, 10_000],
    names: [/^web/gm, 9_900],
  };

  test.each(FORMATS)('ten thousand nodes are no trouble as %s', async (format) => {
    const nodes = Array.from({ length: 10_000 }, (_, at) =>
      at % 100 === 7 ? silentNode(`web${at}.example.org`) : okNode(`web${at}.example.org`, program(0, `${at % 5}\n`)),
    );
    const { stdout, stderr } = await writtenFor(reportOf('exec', nodes), { format });
    const [pattern, count] = TEN_THOUSAND[format];
    expect(stdout.match(pattern)).toHaveLength(count);
    expect(stderr).toContain('10000 nodes: 9900 ok, 100 unreachable');
  });
});
