/** The streams: what goes where, when progress is drawn, and what happens when a reader goes away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOutput, type Output, type OutputOptions } from '../../../controller/render/output.ts';
import { failedNode, okNode, program, reportOf, writtenFor } from './reports.ts';

const CLEAR = '\r\u001b[2K';

interface Stage {
  readonly output: Output;
  /** Everything written so far, both streams in order. */
  written(): string;
  /** Moves the clock, and lets progress tick. */
  pass(ms: number): void;
  /** Whether progress still ticks. */
  isTicking(): boolean;
}

function stageOf(options: Partial<OutputOptions> = {}): Stage {
  let now = 0;
  let written = '';
  const ticks = new Set<() => void>();
  const stream = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString('utf8');
        done();
      },
    });
  const output = createOutput({
    format: 'table',
    command: 'exec',
    stdout: stream(),
    stderr: stream(),
    isTerminal: true,
    columns: 60,
    color: false,
    quiet: false,
    verbose: false,
    clock: { now: () => now, monotonic: () => now },
    every: (_ms, tick) => {
      ticks.add(tick);
      return () => ticks.delete(tick);
    },
    ...options,
  });
  return {
    output,
    written: () => written,
    pass(ms) {
      now += ms;
      for (const tick of ticks) tick();
    },
    isTicking: () => ticks.size > 0,
  };
}

describe('progress', () => {
  test('is silent for half a second, then one line that names whom it waits for', () => {
    const stage = stageOf();
    stage.output.onProgress({ done: 1, expected: 4, waiting: ['web1', 'web2', 'db9'] });
    stage.pass(400);
    expect(stage.written()).toBe('');
    stage.pass(200);
    expect(stage.written()).toBe(`${CLEAR}1 of 4 · 0.60 s · waiting for db9,web[1-2]`);
  });

  test('of a batch says how its canaries are, how many are under way, and how many may still fail', () => {
    const stage = stageOf({ columns: 100 });
    const batch = { canaries: { done: 1, of: 1 }, underWay: 3, failures: 1, tolerated: 2 };
    stage.output.onProgress({ done: 12, expected: 40, waiting: ['a', 'b', 'c'], batch });
    stage.pass(600);
    expect(stage.written()).toBe(
      `${CLEAR}canary 1/1 · 12 of 40 done · 3 under way · 1 failed of at most 2 · 0.60 s · waiting for a,b,c`,
    );
  });

  test('fits the terminal, whatever the names', () => {
    const stage = stageOf();
    const waiting = Array.from({ length: 500 }, (_, at) => `${'abcdef'[at % 6]}${'x'.repeat(20)}${at}-z`);
    stage.output.onProgress({ done: 0, expected: 500, waiting });
    stage.pass(600);
    const line = stage.written().slice(CLEAR.length);
    expect(line).toHaveLength(59);
    expect(line).toMatch(/…$/);
  });

  test('is gone before anything else is written, and for good at the end', async () => {
    const stage = stageOf({ format: 'ndjson' });
    stage.output.onProgress({ done: 0, expected: 2, waiting: ['a', 'b'] });
    stage.pass(600);
    stage.output.onNode(okNode('a', null));
    stage.pass(300);
    stage.output.notice('half of it');
    await stage.output.onEnd(reportOf('exec', [okNode('a', null), okNode('b', null)]));
    expect(stage.isTicking()).toBe(false);
    const waiting = (time: string): string => `${CLEAR}0 of 2 · ${time} s · waiting for a,b`;
    expect(stage.written().split('{"type":"summary"')[0]).toBe(
      waiting('0.60') +
        `${CLEAR}{"type":"node","node":"a","state":"ok","reason":null,"data":null,"ms":1.2}\n` +
        waiting('0.90') +
        `${CLEAR}half of it\n` +
        '{"type":"node","node":"b","state":"ok","reason":null,"data":null,"ms":1.2}\n',
    );
  });

  test('is taken away when a command ends without a report', () => {
    const stage = stageOf();
    stage.output.onProgress({ done: 0, expected: 1, waiting: ['a'] });
    stage.pass(600);
    stage.output.stop();
    expect(stage.written().endsWith(CLEAR)).toBe(true);
    expect(stage.isTicking()).toBe(false);
  });

  test.each([
    ['without a terminal', { isTerminal: false }],
    ['when quiet', { quiet: true }],
    ['when stderr is no terminal', { isErrorTerminal: false }],
  ])('is not drawn %s', (_, options) => {
    const stage = stageOf(options);
    stage.output.onProgress({ done: 0, expected: 1, waiting: ['a'] });
    stage.pass(5_000);
    expect(stage.written()).toBe('');
  });
});

describe('people’s words', () => {
  test('when quiet, are only what went wrong', async () => {
    const report = reportOf('exec', [okNode('a', program(0, '')), failedNode('b', 3, '')]);
    expect((await writtenFor(report, { quiet: true })).stderr).toBe('b  failed  exit code 3\n');
    const stage = stageOf({ quiet: true });
    stage.output.notice('by the way');
    stage.output.warning('careful');
    expect(stage.written()).toBe('careful\n');
  });

  test('when verbose, name the job', async () => {
    const report = reportOf('exec', [okNode('a', program(0, ''))], { unmatched: 2 });
    expect((await writtenFor(report, { verbose: true })).stderr).toBe(
      '1 node: 1 ok · 2 no longer matching · 0.12 s · fleet main · job j1\n',
    );
  });

  test('show control characters instead of sending them', () => {
    const stage = stageOf();
    stage.output.notice('evil\u001b[2J');
    expect(stage.written()).toBe('evil\\x1b[2J\n');
  });
});

describe('colours', () => {
  const report = reportOf('exec', [okNode('a', program(0, 'x')), failedNode('b', 3, '')]);

  test('are there when the caller says so, and only on a terminal', async () => {
    /* oxlint-disable-next-line no-control-regex -- colours are control sequences */
    const sequence = /\u001b\[\d+m/;
    const onTerminal = await writtenFor(report, { color: true, isTerminal: true });
    expect(onTerminal.stdout).toMatch(sequence);
    expect(onTerminal.stderr).toMatch(sequence);
    const piped = await writtenFor(report, { color: true, isTerminal: false, isErrorTerminal: true });
    expect(piped.stdout).not.toMatch(sequence);
    expect(piped.stderr).toMatch(sequence);
    expect((await writtenFor(report, { color: false, isTerminal: true })).stdout).not.toMatch(sequence);
  });
});

describe('a reader that goes away', () => {
  test.each([
    ['has exited', 'exit 0'],
    ['has closed its end', 'exec 0<&-; echo closed; exec tail -f /dev/null'],
  ])('and %s ends the output quietly, and the command hears of it', async (_, script) => {
    const reader = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void reader.kill());
    await Promise.race([once(reader, 'exit'), once(reader.stdout, 'data')]);
    const report = reportOf('exec', [okNode('a', program(0, 'x')), okNode('b', program(0, 'x'))]);
    const stage = stageOf({ format: 'ndjson', stdout: reader.stdin, isTerminal: false });
    stage.output.onNode(okNode('a', program(0, 'x')));
    await stage.output.onEnd(report);
    expect(stage.output.closed.aborted).toBe(true);
    expect(stage.written()).toBe('2 nodes: 2 ok · 0.12 s · fleet main\n');
  });

  test('is not a full disk: that is said', async () => {
    const full = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      },
    });
    await expect(writtenFor(reportOf('find', [okNode('a')]), { stdout: full })).rejects.toThrow(
      "can't be written (ENOSPC)",
    );
  });
});
