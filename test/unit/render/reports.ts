/** Reports as the collecting code makes them, short to write down in a test. */
import { PassThrough } from 'node:stream';
import type { AnyReport, NodeResult, Report } from '../../../controller/report.ts';
import { createOutput, type OutputOptions } from '../../../controller/render/output.ts';
import { countStates } from '../../../shared/states.ts';

export function okNode(node: string, data?: unknown, ms = 1.2): NodeResult {
  return { node, state: 'ok', reason: null, ms, ...(data === undefined ? {} : { data }) };
}

export function silentNode(node: string): NodeResult {
  return { node, state: 'unreachable', reason: 'no acknowledgement within 2 s', ms: null };
}

export function program(exit: number | null, stdout: string, stderr = '', truncated: unknown = null): unknown {
  return { exit, signal: exit === null ? 'SIGKILL' : null, stdout, stderr, truncated };
}

export function failedNode(node: string, exit: number, stdout: string, stderr = ''): NodeResult {
  const data = program(exit, stdout, stderr);
  return { node, state: 'failed', code: 'exit-code', reason: `exit code ${exit}`, data, ms: 9 };
}

export function reportOf(
  command: Report['command'],
  nodes: readonly NodeResult[],
  additions: Partial<Report> = {},
): Report {
  return {
    version: 1,
    command,
    job: 'j1',
    fleet: 'main',
    target: {},
    expected: nodes.length,
    states: countStates(nodes.map(({ state }) => state)),
    unmatched: 0,
    exit: 0,
    ms: 120,
    nodes,
    ...additions,
  };
}

export interface Written {
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command writes when it reports each node as it comes, and then its end. */
export async function writtenFor(report: AnyReport, options: Partial<OutputOptions> = {}): Promise<Written> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const output = createOutput({
    format: 'table',
    command: report.command,
    stdout,
    stderr,
    isTerminal: false,
    columns: 80,
    color: false,
    quiet: false,
    verbose: false,
    clock: { now: () => 0, monotonic: () => 0 },
    ...options,
  });
  const texts = Promise.all([textOf(stdout), textOf(stderr)]);
  if ('nodes' in report) report.nodes.forEach((node) => output.onNode(node));
  await output.onEnd(report);
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { stdout: out, stderr: err };
}

async function textOf(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
