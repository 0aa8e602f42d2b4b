/** Every format of the same outcome: one node did it, one failed, one says nothing. The silent one is in all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Report } from '../../controller/report.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import type { CliResult } from '../support/fleet-cli.ts';

const FORMATS = ['table', 'json', 'ndjson', 'yaml', 'csv', 'names'] as const;
type Format = (typeof FORMATS)[number];

describe('the formats of an outcome with a silent node', () => {
  let fleet: EmbeddedFleet;
  let exec: Record<Format, CliResult>;
  let facts: Record<Format, CliResult>;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({
      web1: { facts: { site: 'north', 'with,comma': 'a "quoted", text' } },
      web2: { facts: { site: 'south' } },
      web10: {},
    });
    process.kill(fleet.node('web10').pid, 'SIGSTOP');
    // Only web2 has failed.
    const script =
      'printf "one, two\\n"; [ "${FLEET_EMBEDDED_NODE##*/}" = web1 ] || { echo "not \\"here\\"" >&2; exit 7; }';
    [exec, facts] = await Promise.all([
      inAllFormats('exec', '--all', '--shell', '--', script),
      inAllFormats('facts', 'site', 'os.family'),
    ]);
  });
  afterAll(() => fleet.stop());

  async function inAllFormats(command: string, ...args: string[]): Promise<Record<Format, CliResult>> {
    const results = await Promise.all(
      FORMATS.map((format) => fleet.run(command, '-o', format, '--ack-timeout', '2s', ...args)),
    );
    return Object.fromEntries(FORMATS.map((format, at) => [format, results[at]])) as Record<Format, CliResult>;
  }

  const SILENT = {
    node: 'web10',
    state: 'unreachable',
    reason: 'no answer within 2 s, asked twice',
    data: null,
    ms: null,
  };
  /** What it says of a command that changes something: a time of day is in it. */
  const MAY_START = /no answer within 2 s, asked twice; it may still start until \d\d:\d\d:\d\d/;
  const PROVISIONAL = {
    ...SILENT,
    provisional: true,
    reason: expect.stringMatching(MAY_START) as string,
  };
  const withoutTime = (text: string): string => text.replace(/until \d\d:\d\d:\d\d/, 'until TIME');
  const FAILED = {
    node: 'web2',
    state: 'failed',
    code: 'exit-code',
    reason: 'exit 7: not "here"',
    data: { exit: 7, signal: null, stdout: 'one, two\n', stderr: 'not "here"\n', truncated: null },
    ms: expect.any(Number) as number,
  };
  const DONE = {
    node: 'web1',
    state: 'ok',
    reason: null,
    data: { exit: 0, signal: null, stdout: 'one, two\n', stderr: '', truncated: null },
    ms: expect.any(Number) as number,
  };
  const HEAD = {
    version: 1,
    command: 'exec',
    job: expect.any(String) as string,
    fleet: 'main',
    target: { all: true },
    recorded: true,
    expected: 3,
    states: { ok: 1, failed: 1, unreachable: 1 },
    unmatched: 0,
    exit: 3,
    ms: expect.any(Number) as number,
  };

  it('end with the same exit code, and have the same words on stderr', () => {
    for (const format of FORMATS) {
      const { exit, stderr } = exec[format];
      expect(exit).toBe(3);
      expect(stderr).toMatch(/^3 nodes: 1 ok, 1 failed \(exit 7: not "here"\), 1 unreachable · /);
      expect(stderr).toMatch(/\nweb2 +failed +exit 7: not "here"\n/);
      expect(stderr).toMatch(
        /\nweb10 +unreachable +no answer within 2 s, asked twice; it may still start until \S+\nAgain where it was not done: fleet job retry \w{26}\n$/,
      );
    }
  });

  it('json is one document, nodes in natural order', () => {
    expect(JSON.parse(exec.json.stdout)).toEqual({ ...HEAD, nodes: [DONE, FAILED, PROVISIONAL] });
  });

  it('yaml is the same document', () => {
    expect(parse(exec.yaml.stdout)).toEqual({ ...HEAD, nodes: [DONE, FAILED, PROVISIONAL] });
  });

  it('ndjson is a line a node as it ends, and the summary last', () => {
    const lines = exec.ndjson.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.slice(0, 2)).toEqual(
      expect.arrayContaining([
        { type: 'node', ...DONE },
        { type: 'node', ...FAILED },
      ]),
    );
    expect(lines.slice(2)).toEqual([
      { type: 'node', ...PROVISIONAL },
      { type: 'summary', ...HEAD },
    ]);
  });

  it('csv has a row for each, quoted as RFC 4180 says', () => {
    const rows = withoutTime(exec.csv.stdout)
      .split('\r\n')
      .map((row) => row.replace(/,\d+(\.\d+)?,/, ',MS,'));
    expect(rows).toEqual([
      'node,state,code,reason,ms,exit,signal,stdout,stderr,stdout_dropped,stderr_dropped',
      'web1,ok,,,MS,0,,"one, two\n",,,',
      'web2,failed,exit-code,"exit 7: not ""here""",MS,7,,"one, two\n","not ""here""\n",,',
      'web10,unreachable,,"no answer within 2 s, asked twice; it may still start until TIME",,,,,,,',
      '',
    ]);
  });

  it('names are those of the nodes that did it, for the next command', () => {
    expect(exec.names.stdout).toBe('web1\n');
  });

  it('the table says of each how it ended', () => {
    expect(withoutTime(exec.table.stdout)).toBe(
      `web1 · ok · exit 0
  one, two

web10 · unreachable · no answer within 2 s, asked twice; it may still start until TIME

web2 · failed · exit 7
  one, two
  stderr:
    not "here"
`,
    );
  });

  it('a distribution counts only what nodes said, and names the silent beside it', () => {
    const report = JSON.parse(facts.json.stdout) as Report;
    expect(report).toMatchObject({ exit: 3, states: { ok: 2, unreachable: 1 } });
    expect(report.facts?.['site']).toEqual([
      { value: 'north', count: 1, nodes: ['web1'] },
      { value: 'south', count: 1, nodes: ['web2'] },
    ]);
    expect(report.nodes.at(-1)).toEqual(SILENT);
    expect(facts.csv.stdout).toContain('\r\nweb10,unreachable,,"no answer within 2 s, asked twice",,,\r\n');
    expect(facts.table.stderr).toContain('web10  unreachable  no answer within 2 s, asked twice\n');
    expect(facts.names.stdout).toBe('web1\nweb2\n');
    const summary = JSON.parse(facts.ndjson.stdout.trimEnd().split('\n').at(-1) ?? '') as Report;
    expect(summary.facts).toEqual(report.facts);
    expect(parse(facts.yaml.stdout)).toMatchObject({ facts: report.facts });
  });
});
